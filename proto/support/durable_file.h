#pragma once

#include <filesystem>
#include <system_error>

namespace laptime {

// Renames `from` to `to`, both in one directory, once the bytes of `from` are on the disk: after a
// power cut `to` is the old file or all of the new one. No error: done, and on the disk.
std::error_code ReplaceDurably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace laptime
