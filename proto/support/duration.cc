#include "proto/support/duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>
#include <utility>

namespace laptime {
namespace {

constexpr std::chrono::hours kDay{24};
constexpr std::array<std::pair<const char*, std::chrono::milliseconds>, 6> kUnits{{
    {"ms", std::chrono::milliseconds(1)},
    {"s", std::chrono::seconds(1)},
    {"m", std::chrono::minutes(1)},
    {"h", std::chrono::hours(1)},
    {"d", kDay},
    {"w", 7 * kDay},
}};

}  // namespace

std::optional<std::chrono::milliseconds> ParseDuration(const std::string& text,
                                                       const std::vector<std::string>& units) {
  constexpr int64_t kMostUnits = 1'000'000;
  const char* end = text.data() + text.size();
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number < 1 || number > kMostUnits) return std::nullopt;
  const std::string unit(rest, end);
  if (std::ranges::find(units, unit) == units.end()) return std::nullopt;
  const auto known =
      std::ranges::find_if(kUnits, [&](const auto& one) { return unit == one.first; });
  return known == kUnits.end() ? std::nullopt : std::optional(number * known->second);
}

}  // namespace laptime
