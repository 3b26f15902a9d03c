#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "agent/trainer/event_writer.h"
#include "agent/trainer/events.h"

namespace laptime::trainer {

// Tells how far the lap is, at most twice a second, so that silence means a hang. Not thread-safe.
// `events` must outlive it.
class ProgressReporter {
 public:
  using Now = std::function<std::chrono::steady_clock::time_point()>;
  static constexpr std::chrono::milliseconds kInterval{500};

  explicit ProgressReporter(EventWriter& events, Now now = std::chrono::steady_clock::now)
      : events_(events), now_(std::move(now)) {}

  // True when the next report would be written; for callers whose report costs something to make.
  bool due() const { return !last_.has_value() || now_() - *last_ >= kInterval; }

  void Report(const Progress& progress) {
    if (!due()) return;
    last_ = now_();
    events_.Write("step_progress", ToJson(progress));
  }

 private:
  EventWriter& events_;
  Now now_;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

}  // namespace laptime::trainer
