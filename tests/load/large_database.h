#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "tests/load/scenario.h"

namespace laptime::load {

// The path of a database with so many runs and samples as `settings` wants
// (tests/bench/scale_data): the file that it names, made there when it is missing, or else one in
// `directory`.
absl::StatusOr<std::string> LargeDatabase(const Settings& settings, const std::string& directory);

}  // namespace laptime::load
