#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <string>

#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime {

inline constexpr int kMaxFailures = 5;
inline constexpr std::chrono::minutes kFailureWindow{1};
// Beyond so many addresses with failures within the window every address waits: guesses do not come
// cheaper from many addresses.
inline constexpr size_t kMaxFailingAddresses = 10'000;

// Counts failed attempts to join by address: kMaxFailures within kFailureWindow, then no more are
// looked at. Thread-safe; `clock` must outlive it.
class FailureLimit {
 public:
  explicit FailureLimit(const Clock& clock) : clock_(clock) {}

  // `peer` is what gRPC calls it ("ipv4:192.0.2.7:5000"); its port does not count.
  bool Allows(const std::string& peer);
  void Failed(const std::string& peer);

 private:
  void Forget() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;

  Mutex mu_;
  std::map<std::string, std::deque<std::chrono::steady_clock::time_point>> failures_
      ABSL_GUARDED_BY(mu_);
};

// "ipv4:192.0.2.7:5000" → "ipv4:192.0.2.7".
std::string AddressOf(const std::string& peer);

}  // namespace laptime
