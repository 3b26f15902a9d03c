#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <thread>

namespace laptime::trainer {

// SIGTERM and SIGINT: blocked in every thread, taken by one that waits for them. The program asks
// between two steps and stops there; if that takes longer than the grace time, because a step does,
// `on_overdue` is called in the waiting thread and is expected to end the process.
//
// Construct it in main before any other thread starts. SIGPIPE is ignored too: a reader that has
// gone shows in a write. Check and requested may be called from any thread.
class StopSignal {
 public:
  static constexpr std::chrono::milliseconds kGrace{1500};

  explicit StopSignal(std::function<void()> on_overdue, std::chrono::milliseconds grace = kGrace);
  ~StopSignal();

  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  bool requested() const { return requested_; }

  // Throws Stopped when a signal has come.
  void Check() const;

 private:
  void Wait(const std::stop_token& stop);

  const std::function<void()> on_overdue_;
  const std::chrono::milliseconds grace_;
  std::atomic<bool> requested_ = false;
  std::jthread waiter_;
};

}  // namespace laptime::trainer
