#pragma once

#include <chrono>
#include <random>

namespace laptime::agent {

inline constexpr std::chrono::milliseconds kMinBackoff{500};
inline constexpr std::chrono::milliseconds kMaxBackoff{4000};

// How long to wait before the next try: full jitter between kMinBackoff and a ceiling that doubles
// with each try up to kMaxBackoff, so that a thousand agents do not come back at once. Not
// thread-safe. `random` must outlive it.
class Backoff {
 public:
  explicit Backoff(std::mt19937_64& random) : random_(random) {}

  std::chrono::milliseconds Next();
  // The next wait is a short one again.
  void Reset() { ceiling_ = 2 * kMinBackoff; }

 private:
  std::mt19937_64& random_;
  std::chrono::milliseconds ceiling_ = 2 * kMinBackoff;
};

}  // namespace laptime::agent
