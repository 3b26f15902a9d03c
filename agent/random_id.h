#pragma once

#include <string>

namespace laptime::agent {

// A random (version 4) UUID: "3f2b8c1e-…".
std::string NewUuid();

}  // namespace laptime::agent
