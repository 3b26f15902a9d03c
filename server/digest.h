#pragma once

#include <string>

namespace laptime {

// Lower-case hex SHA-256 of the bytes.
std::string Sha256(const std::string& bytes);

// A random id of 12 lower-case hex digits (48 bits): short enough to type, and a clash is refused
// by the database's primary key.
std::string NewId();

}  // namespace laptime
