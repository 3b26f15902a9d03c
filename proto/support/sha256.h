#pragma once

#include <string>

namespace laptime {

// Lower-case hex SHA-256 of the bytes.
std::string Sha256Hex(const std::string& bytes);

}  // namespace laptime
