#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace laptime {

// "30d", "12h", "45m" or "2w" in milliseconds; nothing for another text.
std::optional<int64_t> ParseAge(const std::string& text);

}  // namespace laptime
