#include "client/toml_text.h"

#include <sstream>

namespace laptime::client {

std::optional<std::string> TomlText(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return *text;
  if (auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  if (auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (auto number = node.value_exact<double>()) {
    std::ostringstream text;
    text.precision(17);
    text << *number;
    return text.str();
  }
  return std::nullopt;
}

}  // namespace laptime::client
