#include "client/patience.h"

#include <algorithm>

namespace laptime::client {

Patience::Patience(const Clock& clock, std::chrono::milliseconds limit)
    : clock_(clock), limit_(limit), random_(std::random_device()()) {}

void Patience::Succeeded() {
  failing_ = false;
  ceiling_ = kRetryFirst;
}

std::chrono::milliseconds Patience::NextWait() {
  const auto now = clock_.Now();
  if (!failing_) {
    failing_ = true;
    failing_since_ = now;
  }
  if (now - failing_since_ >= limit_) return std::chrono::milliseconds(0);
  std::uniform_int_distribution<int64_t> jitter(1, ceiling_.count());
  ceiling_ = std::min(kRetryLongest, 2 * ceiling_);
  return std::chrono::milliseconds(jitter(random_));
}

}  // namespace laptime::client
