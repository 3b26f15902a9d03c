#include "proto/support/line_limit.h"

#include <utility>

namespace laptime {

std::optional<int> LineLimit::Admit(Time now) {
  const std::lock_guard lock(mu_);
  if (!minute_ || now - *minute_ >= std::chrono::minutes(1)) {
    minute_ = now;
    admitted_ = 0;
  }
  if (admitted_ >= per_minute_) {
    ++left_out_;
    return std::nullopt;
  }
  ++admitted_;
  return std::exchange(left_out_, 0);
}

}  // namespace laptime
