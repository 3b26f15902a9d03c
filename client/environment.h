#pragma once

#include <optional>
#include <string>

namespace laptime::client {

// One environment variable of this process; nothing when it is not set.
std::optional<std::string> ReadEnvironment(const std::string& name);

// The folder of the running program, where the other programs of laptime lie. Empty when the system
// does not say.
std::string ProgramDirectory();

}  // namespace laptime::client
