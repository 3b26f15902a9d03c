#include "storage/time_text.h"

#include <charconv>
#include <chrono>
#include <string_view>

namespace laptime::storage {
namespace {

constexpr int64_t kSecond = 1000;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

// Takes exactly `digits` digits off the front of `text`; negative when they are not there.
int TakeNumber(std::string_view& text, size_t digits) {
  int number = 0;
  const std::string_view word = text.substr(0, digits);
  if (word.size() != digits || word.find_first_not_of("0123456789") != std::string_view::npos)
    return -1;
  std::from_chars(word.data(), word.data() + word.size(), number);
  text.remove_prefix(digits);
  return number;
}

bool Take(std::string_view& text, char letter) {
  if (text.empty() || text.front() != letter) return false;
  text.remove_prefix(1);
  return true;
}

// Midnight of the day that `text` begins with.
std::optional<int64_t> TakeDay(std::string_view& text) {
  constexpr int kFirstYear = 1970;
  const int year = TakeNumber(text, 4);
  if (year < kFirstYear || !Take(text, '-')) return std::nullopt;
  const int month = TakeNumber(text, 2);
  if (month < 0 || !Take(text, '-')) return std::nullopt;
  const int day = TakeNumber(text, 2);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (day < 0 || !date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay;
}

}  // namespace

std::optional<Instants> ParseInstants(const std::string& text) {
  std::string_view rest = text;
  const std::optional<int64_t> day = TakeDay(rest);
  if (!day) return std::nullopt;
  if (rest.empty()) return Instants{*day, *day + kDay};
  if (!Take(rest, 'T')) return std::nullopt;
  const int hour = TakeNumber(rest, 2);
  if (hour < 0 || hour > 23 || !Take(rest, ':')) return std::nullopt;
  const int minute = TakeNumber(rest, 2);
  if (minute < 0 || minute > 59) return std::nullopt;
  const int64_t begin = *day + hour * kHour + minute * kMinute;
  if (rest.empty()) return Instants{begin, begin + kMinute};
  if (!Take(rest, ':')) return std::nullopt;
  const int second = TakeNumber(rest, 2);
  if (second < 0 || second > 59 || !rest.empty()) return std::nullopt;
  return Instants{begin + second * kSecond, begin + (second + 1) * kSecond};
}

}  // namespace laptime::storage
