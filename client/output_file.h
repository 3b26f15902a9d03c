#pragma once

#include <string>

#include "absl/status/status.h"

namespace laptime::client {

// Makes `file` hold `text`: on success all of it, on the disk; on failure, or when the process
// ends meanwhile, what it held before. A link stays one, and what is no ordinary file (a device, a
// pipe) is written as it is. kFailedPrecondition: it cannot be written.
absl::Status ReplaceFile(const std::string& file, const std::string& text);

}  // namespace laptime::client
