#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

namespace laptime {

// Renames `from` to `to`, both in one directory, once the bytes of `from` are on the disk: after a
// power cut `to` is the old file or all of the new one. No error: done, and on the disk.
std::error_code ReplaceDurably(const std::filesystem::path& from, const std::filesystem::path& to);

// Makes the directory with its parents; it is its owner's alone when it is new.
std::error_code MakePrivateDirectory(const std::filesystem::path& path);

// Writes a file that only its owner may read (mode 0600), durably, in one step: `path` is the old
// file or all of the new one. Its directory exists.
std::error_code WritePrivateFile(const std::filesystem::path& path, const std::string& text);

// The same in the state directory of a coordinator or an agent: what root writes there belongs to
// the owner of the directory, whose program is to read it.
std::error_code WriteStateFile(const std::filesystem::path& path, const std::string& text);

// What `path` holds; nothing when it cannot be read or holds more than `most` bytes.
std::optional<std::string> ReadSmallFile(const std::filesystem::path& path, size_t most);

}  // namespace laptime
