#include "proto/support/age.h"

#include <charconv>
#include <system_error>

namespace laptime {

std::optional<int64_t> ParseAge(const std::string& text) {
  constexpr int64_t kMinute = 60'000;
  constexpr int64_t kMostUnits = 1'000'000;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 1 || number > kMostUnits) return std::nullopt;
  const std::string unit(end, text.data() + text.size());
  if (unit == "m") return number * kMinute;
  if (unit == "h") return number * 60 * kMinute;
  if (unit == "d") return number * 24 * 60 * kMinute;
  if (unit == "w") return number * 7 * 24 * 60 * kMinute;
  return std::nullopt;
}

}  // namespace laptime
