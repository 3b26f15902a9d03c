#pragma once

#include <string>

namespace laptime {

// A random id of 12 lower-case hex digits (48 bits): short enough to type, and a clash is refused
// by the database's primary key.
std::string NewId();

}  // namespace laptime
