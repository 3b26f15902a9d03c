#include "client/toml_text.h"

#include "client/format.h"

namespace laptime::client {

std::optional<std::string> TomlText(const toml::node& node) {
  if (auto text = node.value_exact<std::string>()) return *text;
  if (auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  if (auto number = node.value_exact<int64_t>()) return std::to_string(*number);
  if (auto number = node.value_exact<double>()) return Exact(*number);
  return std::nullopt;
}

}  // namespace laptime::client
