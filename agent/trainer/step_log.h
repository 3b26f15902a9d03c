#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <chrono>
#include <optional>
#include <vector>

#include "agent/trainer/device.h"

namespace laptime::trainer {

class RankGroup;

// Each step's loss and time of one epoch, without making the device wait: on CUDA the losses travel
// to pinned memory behind the work and an event marks each step's end; on other asynchronous
// devices both are only known once the epoch is settled, the times not at all. One thread.
class StepLog {
 public:
  // `needs_times`: where nothing else gives them, each step is waited for.
  StepLog(const Device& device, int steps, bool needs_times);

  // The epoch starts now.
  void Start();

  // A step has been given to the device in full. Its time runs from the one before (or from Start).
  void Record(const at::Tensor& loss);

  // Steps whose loss is known by now, in order. Never blocks.
  int Finished();

  // The device was synchronised: everything recorded is known.
  void Settle();

  // Makes the losses, once settled, the means over the ranks.
  void Average(RankGroup& ranks);

  // Of the finished steps.
  double loss(int step) const { return losses_[static_cast<size_t>(step)]; }
  int recorded() const { return recorded_; }

  // Of all recorded steps, once settled; empty where they cannot be measured.
  std::vector<double> StepSeconds() const;

  // StepSeconds is known at any time, for each step has ended when it is recorded.
  bool waits() const { return waits_; }

 private:
  void MarkCuda(size_t number);

  const Device device_;
  const bool waits_;
  int recorded_ = 0;
  int finished_ = 0;
  std::vector<double> losses_;
  at::Tensor traveling_;            // CUDA: pinned host floats; other devices: floats there
  std::vector<c10::Event> events_;  // CUDA: the start and each step's end
  std::vector<std::chrono::steady_clock::time_point> ends_;  // when steps are waited for: the same
};

}  // namespace laptime::trainer
