#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace laptime::agent {

// Reads a file in blocks of `block` bytes (the last may be shorter); stops at the first error of
// `take`.
absl::Status ReadBlocks(const std::filesystem::path& path, size_t block,
                        const std::function<absl::Status(const char* bytes, size_t size)>& take);

// Lower-case hex.
absl::StatusOr<std::string> Sha256OfFile(const std::filesystem::path& path);

}  // namespace laptime::agent
