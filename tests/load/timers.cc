#include "tests/load/timers.h"

namespace laptime::load {

Timers::Timers() : thread_([this](const std::stop_token& stop) { Loop(stop); }) {}

void Timers::At(TimePoint due, Target& target) {
  MutexLock lock(mu_);
  const bool first = due_.empty() || due < due_.top().due;
  due_.push({due, &target});
  if (first) changed_.notify_one();
}

void Timers::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void Timers::Loop(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Entry entry{};
    {
      MutexLock lock(mu_);
      changed_.wait(mu_, stop,
                    [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !due_.empty(); });
      if (due_.empty()) return;
      const TimePoint next = due_.top().due;
      changed_.wait_until(mu_, stop, next, [this, next]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return due_.top().due < next;
      });
      if (due_.top().due > std::chrono::steady_clock::now()) continue;
      entry = due_.top();
      due_.pop();
    }
    entry.target->Step(entry.due);
  }
}

}  // namespace laptime::load
