#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/support/duration.h"

namespace laptime {

// "30d", "12h", "45m" or "2w" in milliseconds; nothing for another text.
inline std::optional<int64_t> ParseAge(const std::string& text) {
  const auto age = ParseDuration(text, {"m", "h", "d", "w"});
  return age ? std::optional<int64_t>(age->count()) : std::nullopt;
}

}  // namespace laptime
