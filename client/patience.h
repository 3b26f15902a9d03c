#pragma once

#include <chrono>
#include <random>

#include "proto/support/clock.h"

namespace laptime::client {

// How long the client keeps calling a coordinator that went away.
inline constexpr std::chrono::seconds kPatiencePlain{60};
inline constexpr std::chrono::minutes kPatienceTerminal{10};
inline constexpr std::chrono::milliseconds kRetryFirst{250};
inline constexpr std::chrono::milliseconds kRetryLongest{4000};

// Waits between attempts to reach a coordinator that was there before: exponential with full
// jitter, until `limit` has passed since the last success. Used by one thread; `clock` must outlive
// it.
class Patience {
 public:
  Patience(const Clock& clock, std::chrono::milliseconds limit);

  // An attempt went well: the limit counts anew.
  void Succeeded();
  // How long to wait before the next attempt; zero when the limit is reached and one should give
  // up.
  std::chrono::milliseconds NextWait();

 private:
  // Constant after construction.
  const Clock& clock_;
  const std::chrono::milliseconds limit_;

  std::mt19937 random_;
  std::chrono::milliseconds ceiling_ = kRetryFirst;
  bool failing_ = false;
  std::chrono::steady_clock::time_point failing_since_;
};

}  // namespace laptime::client
