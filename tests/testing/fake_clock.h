#pragma once

#include <chrono>

#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime::testing {

// A clock that stands still until a test moves it. Thread-safe.
class FakeClock : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override {
    MutexLock lock(mu_);
    return now_;
  }
  std::chrono::system_clock::time_point WallNow() const override {
    MutexLock lock(mu_);
    return wall_;
  }
  void Advance(std::chrono::nanoseconds by) {
    MutexLock lock(mu_);
    now_ += by;
    wall_ += std::chrono::duration_cast<std::chrono::system_clock::duration>(by);
  }
  // Somebody sets the wall clock.
  void SetWall(std::chrono::seconds by) {
    MutexLock lock(mu_);
    wall_ += by;
  }

 private:
  mutable Mutex mu_;
  std::chrono::steady_clock::time_point now_ ABSL_GUARDED_BY(mu_){std::chrono::hours(1)};
  std::chrono::system_clock::time_point wall_ ABSL_GUARDED_BY(mu_){
      std::chrono::hours(24 * 365 * 50)};
};

}  // namespace laptime::testing
