#include "agent/backoff.h"

#include <algorithm>

namespace laptime::agent {

std::chrono::milliseconds Backoff::Next() {
  std::uniform_int_distribution<int64_t> wait(kMinBackoff.count(), ceiling_.count());
  ceiling_ = std::min(2 * ceiling_, kMaxBackoff);
  return std::chrono::milliseconds(wait(random_));
}

}  // namespace laptime::agent
