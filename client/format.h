#pragma once

#include <cstdint>
#include <string>

#include "laptime/v1/access.pb.h"
#include "laptime/v1/common.pb.h"

namespace laptime::client {

// Values as people read them. All functions are pure but LocalTime, which reads the time zone.

// Three significant digits without an exponent: "0.494", "6.75", "59.3", "1230".
std::string Significant(double value, int digits = 3);

// The shortest text that reads back as the same double: for csv.
std::string Exact(double value);

// "0.42 s", "12.3 s", "2m41", "1h03m".
std::string Duration(double seconds);

// 97.25 -> "97 %".
std::string Percent(double percent);

// A part of one as per cent, with a decimal while it is small: "0.0 %", "2.5 %", "25 %".
std::string Share(double fraction);

// A change, with a decimal below a hundred: "+2.5 %", "-31.0 %", "+120 %"; never "-0.0 %".
std::string SignedPercent(double percent);

// A factor: "8.79×".
std::string Times(double factor, int digits = 3);

// "1 epoch", "2 epochs".
std::string Counted(int64_t count, const std::string& thing);

// Powers of ten: "512 MB", "16.4 GB".
std::string Bytes(double bytes);

// "2026-11-23 19:30:05" in the reader's time zone.
std::string LocalTime(int64_t unix_ms);

// "2026-11-23T19:30:05Z": for csv.
std::string UtcTime(int64_t unix_ms);

// Enum values as words: "succeeded", "idle", "cuda".
std::string Word(v1::RunState state);
std::string Word(v1::AttemptState state);
std::string Word(v1::JobState state);
std::string Word(v1::DeviceState state);
std::string Word(v1::DeviceHealth health);
std::string Word(v1::DeviceKind kind);
std::string Word(v1::Validity validity);
std::string Word(v1::FailureCause cause);
std::string Word(v1::Role role);

}  // namespace laptime::client
