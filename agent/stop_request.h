#pragma once

#include <optional>

#include "agent/attempt.h"
#include "agent/wake_pipe.h"
#include "proto/support/mutex.h"

namespace laptime::agent {

// Whether an attempt was asked to stop, in a form that poll() waits for. Thread-safe; the first
// cause stays.
class StopRequest {
 public:
  explicit StopRequest(WakePipe wake) : wake_(std::move(wake)) {}

  void Set(StopCause cause) {
    MutexLock lock(mu_);
    if (cause_) return;
    cause_ = cause;
    wake_.Wake();
  }
  std::optional<StopCause> cause() const {
    MutexLock lock(mu_);
    return cause_;
  }
  // Readable once Set, until Drain: a reader that has seen the cause no longer wants to be woken.
  int fd() const { return wake_.fd(); }
  void Drain() { wake_.Drain(); }

 private:
  WakePipe wake_;
  mutable Mutex mu_;
  std::optional<StopCause> cause_ ABSL_GUARDED_BY(mu_);
};

}  // namespace laptime::agent
