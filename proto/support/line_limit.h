#pragma once

#include <chrono>
#include <mutex>
#include <optional>

namespace laptime {

// Admits so many lines in each minute, which begins with its first line: for what strangers can
// make a program say. Any thread.
class LineLimit {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit LineLimit(int per_minute) : per_minute_(per_minute) {}

  // How many were left out before this one and since the last that was admitted; nothing when this
  // one is left out, too.
  std::optional<int> Admit(Time now);

 private:
  const int per_minute_;
  std::mutex mu_;
  std::optional<Time> minute_;
  int admitted_ = 0;
  int left_out_ = 0;
};

}  // namespace laptime
