#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace laptime::storage {

// A stretch of time, milliseconds since 1970: `end` is the first that lies after it.
struct Instants {
  int64_t begin = 0;
  int64_t end = 0;
};

// "2026-11-01", "2026-11-01T08:30" or "2026-11-01T08:30:15", UTC: the day, the minute or the second
// of that name. Nothing for another text and for days that no month has. Years 1970 to 9999.
std::optional<Instants> ParseInstants(const std::string& text);

}  // namespace laptime::storage
