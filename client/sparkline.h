#pragma once

#include <optional>
#include <string>
#include <vector>

namespace laptime::client {

// A line of small bars, one for each value (positive); a dot where there is none. The lowest bar is
// the lowest value, the highest one the highest, but at least `span` times the lowest: so that what
// differs by little looks so.
std::string Sparkline(const std::vector<std::optional<double>>& values, double span);

}  // namespace laptime::client
