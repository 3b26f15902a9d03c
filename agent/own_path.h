#pragma once

#include <filesystem>

namespace laptime::agent {

// The directory of the running program; empty where the system does not say.
std::filesystem::path OwnDirectory();

}  // namespace laptime::agent
