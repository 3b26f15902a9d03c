#pragma once

#include <iosfwd>
#include <string>

#include "absl/status/statusor.h"

namespace laptime::client {

// All of a file that a person names; "-" is `standard_input`. kInvalidArgument: it cannot be read
// (not there, a folder), or has more than `most` bytes, which are not read further; `too_long` is
// the hint then. Blocks until the input ends.
absl::StatusOr<std::string> ReadInput(std::istream& standard_input, const std::string& file,
                                      size_t most, const std::string& too_long);

}  // namespace laptime::client
