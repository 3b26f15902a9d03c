#include "client/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace laptime::client {
namespace {

std::string Fixed(double value, int decimals) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%.*f", decimals, value);
  return buffer.data();
}

// "RUN_STATE_NOT_EVALUATED" without "RUN_STATE_", in lower case, with spaces.
std::string Worded(const std::string& name, size_t prefix) {
  std::string word = name.size() > prefix ? name.substr(prefix) : name;
  for (char& letter : word) {
    letter =
        letter == '_' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  return word;
}

std::string Time(int64_t unix_ms, const char* pattern, bool local) {
  const std::time_t seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm parts{};
  if (local) {
    localtime_r(&seconds, &parts);
  } else {
    gmtime_r(&seconds, &parts);
  }
  std::array<char, 64> buffer{};
  std::strftime(buffer.data(), buffer.size(), pattern, &parts);
  return buffer.data();
}

}  // namespace

std::string Significant(double value, int digits) {
  if (!std::isfinite(value)) return std::isnan(value) ? "NaN" : (value > 0 ? "inf" : "-inf");
  if (value == 0) return "0";
  const auto decimals = [digits](double magnitude) {
    return std::max(0, digits - 1 - static_cast<int>(std::floor(std::log10(std::fabs(magnitude)))));
  };
  // 0.9996 rounds to 1.000: count the digits of the rounded value.
  const double rounded = std::stod(Fixed(value, std::min(decimals(value), 15)));
  return Fixed(value, std::min(rounded == 0 ? digits : decimals(rounded), 15));
}

std::string Exact(double value) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), result.ptr);
}

std::string Duration(double seconds) {
  if (!std::isfinite(seconds)) return Significant(seconds);
  if (seconds < 59.95) return Significant(seconds) + " s";
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  std::array<char, 64> buffer{};
  if (whole < 3600) {
    std::snprintf(buffer.data(), buffer.size(), "%dm%02d", static_cast<int>(whole / 60),
                  static_cast<int>(whole % 60));
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%lldh%02dm", static_cast<long long>(whole / 3600),
                  static_cast<int>(whole % 3600 / 60));
  }
  return buffer.data();
}

std::string Percent(double percent) { return Fixed(percent, 0) + " %"; }

std::string Share(double fraction) {
  return Fixed(100 * fraction, std::fabs(fraction) < 0.0995 ? 1 : 0) + " %";
}

std::string SignedPercent(double percent) {
  const double shown = std::abs(percent) < 0.05 ? 0 : percent;
  return (shown > 0 ? "+" : "") + Fixed(shown, std::abs(shown) < 99.95 ? 1 : 0) + " %";
}

std::string Times(double factor, int digits) { return Significant(factor, digits) + "×"; }

std::string Counted(int64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string Bytes(double bytes) {
  static constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (std::fabs(bytes) >= 999.5 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return Significant(bytes) + " " + kUnits[unit];
}

std::string LocalTime(int64_t unix_ms) { return Time(unix_ms, "%Y-%m-%d %H:%M:%S", true); }
std::string UtcTime(int64_t unix_ms) { return Time(unix_ms, "%Y-%m-%dT%H:%M:%SZ", false); }

std::string Word(v1::RunState state) {
  if (state == v1::RUN_STATE_UNSPECIFIED) return "planned";  // a dry run's
  return Worded(v1::RunState_Name(state), sizeof("RUN_STATE_") - 1);
}
std::string Word(v1::AttemptState state) {
  return Worded(v1::AttemptState_Name(state), sizeof("ATTEMPT_STATE_") - 1);
}
std::string Word(v1::JobState state) {
  return Worded(v1::JobState_Name(state), sizeof("JOB_STATE_") - 1);
}
std::string Word(v1::DeviceState state) {
  return Worded(v1::DeviceState_Name(state), sizeof("DEVICE_STATE_") - 1);
}
std::string Word(v1::DeviceHealth health) {
  return Worded(v1::DeviceHealth_Name(health), sizeof("DEVICE_HEALTH_") - 1);
}
std::string Word(v1::DeviceKind kind) {
  return Worded(v1::DeviceKind_Name(kind), sizeof("DEVICE_KIND_") - 1);
}
std::string Word(v1::Validity validity) {
  return Worded(v1::Validity_Name(validity), sizeof("VALIDITY_") - 1);
}
std::string Word(v1::FailureCause cause) {
  return Worded(v1::FailureCause_Name(cause), sizeof("FAILURE_CAUSE_") - 1);
}
std::string Word(v1::Role role) { return Worded(v1::Role_Name(role), sizeof("ROLE_") - 1); }

}  // namespace laptime::client
