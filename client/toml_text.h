#pragma once

#include <toml++/toml.h>

#include <optional>
#include <string>

namespace laptime::client {

// A TOML value as a flag would carry it, numbers with all their digits; nothing for tables, arrays
// and dates.
std::optional<std::string> TomlText(const toml::node& node);

}  // namespace laptime::client
