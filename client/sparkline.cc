#include "client/sparkline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace laptime::client {

std::string Sparkline(const std::vector<std::optional<double>>& values, double span) {
  static constexpr std::array<const char*, 8> kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = std::numeric_limits<double>::infinity();
  double high = 0;
  for (const std::optional<double>& value : values) {
    if (!value) continue;
    low = std::min(low, *value);
    high = std::max(high, *value);
  }
  high = std::max(high, low * span);
  std::string line;
  for (const std::optional<double>& value : values) {
    if (!value) {
      line += "·";
      continue;
    }
    const double share = high > low ? (*value - low) / (high - low) : 0;
    line += kBars[static_cast<size_t>(std::lround(share * (kBars.size() - 1)))];
  }
  return line;
}

}  // namespace laptime::client
