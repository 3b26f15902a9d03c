#pragma once

#include <chrono>

namespace laptime {

// Time as an interface, so that tests move it. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic: for leases, timeouts and durations.
  virtual std::chrono::steady_clock::time_point Now() const = 0;
  // Wall clock: only ever an anchor for people, never subtracted.
  virtual std::chrono::system_clock::time_point WallNow() const = 0;
};

class SystemClock : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override {
    return std::chrono::steady_clock::now();
  }
  std::chrono::system_clock::time_point WallNow() const override {
    return std::chrono::system_clock::now();
  }
};

inline int64_t UnixMs(std::chrono::system_clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

}  // namespace laptime
