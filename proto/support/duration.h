#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace laptime {

// "90s", "30d": a whole number from 1 to a million and one of `units`, which are some of ms, s, m,
// h, d and w. Nothing for another text.
std::optional<std::chrono::milliseconds> ParseDuration(const std::string& text,
                                                       const std::vector<std::string>& units);

}  // namespace laptime
