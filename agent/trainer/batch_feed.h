#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Event.h>

#include <array>
#include <deque>
#include <vector>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/loader.h"
#include "agent/trainer/pixels.h"
#include "agent/trainer/train_batch.h"

namespace laptime::trainer {

// Brings the loader's batches to the device: as bytes, from pinned memory without waiting on CUDA,
// normalised there. One thread. `images` must outlive it.
class BatchFeed : public Feed {
 public:
  BatchFeed(const ImageSet& images, const Workload& workload, const Device& device,
            const RankShare& share = {});

  // See BatchLoader::StartEpoch.
  void StartEpoch(int epoch, int steps) override;

  TrainBatch Next(LapClock& clock) override;
  double augment_seconds() const override { return augment_seconds_; }

 private:
  void ReleaseCopied(bool wait);

  Device device_;
  Normalizer normalize_;
  std::vector<std::array<at::Tensor, kViews>> slots_;  // host bytes, in the device's memory format
  std::deque<c10::Event> copying_;  // one per batch whose copy may still read its slot
  double augment_seconds_ = 0;
  BatchLoader loader_;  // last: its threads write into slots_
};

}  // namespace laptime::trainer
