#pragma once

#include <string>

namespace laptime {

// Makes spdlog's default logger write to standard error as `TIME LEVEL program: text`; colour only
// on a terminal and without NO_COLOR. gRPC's own lines go there, too, within a limit (grpc_log.h).
// Call once, first thing in main. `level` is "debug", "info", "warn" or "error".
void StartLog(const std::string& program, const std::string& level);

// At most `most` bytes of a UTF-8 text from its beginning, whole characters only.
std::string Beginning(const std::string& text, size_t most);

// `text` without control characters (they become '?'), so that a remote name cannot paint on a
// terminal. Line breaks and tabs stay when `keep_lines`.
std::string Printable(const std::string& text, bool keep_lines = false);

}  // namespace laptime
