#include "client/struct_facts.h"

#include <map>

#include "client/format.h"

namespace laptime::client {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

// Protobuf refuses messages nested deeper than this when it reads them.
constexpr int kMaxDepth = 100;

std::string Text(const Value& value, int depth);

std::string StructText(const Struct& data, int depth) {
  std::map<std::string, std::string> sorted;
  for (const auto& [key, value] : data.fields()) sorted[key] = Text(value, depth + 1);
  std::string text;
  for (const auto& [key, value] : sorted) text += (text.empty() ? "" : " ") + key + "=" + value;
  return text;
}

std::string ListText(const google::protobuf::ListValue& list, int depth) {
  std::string text;
  for (const Value& item : list.values())
    text += (text.empty() ? "" : ", ") + Text(item, depth + 1);
  return text;
}

std::string Text(const Value& value, int depth) {
  if (depth > kMaxDepth) return "…";
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return Exact(value.number_value());
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value() ? "yes" : "no";
    case Value::kStructValue:
      return StructText(value.struct_value(), depth);
    case Value::kListValue:
      return ListText(value.list_value(), depth);
    default:
      return "";
  }
}

void Collect(const Struct& data, const std::string& prefix, int depth,
             std::map<std::string, std::string>& facts) {
  for (const auto& [key, value] : data.fields()) {
    if (value.has_struct_value() && depth < kMaxDepth) {
      Collect(value.struct_value(), prefix + key + ".", depth + 1, facts);
    } else {
      facts[prefix + key] = Text(value, depth);
    }
  }
}

}  // namespace

std::vector<std::pair<std::string, std::string>> FactsOf(const Struct& data) {
  std::map<std::string, std::string> facts;
  Collect(data, "", 0, facts);
  return {facts.begin(), facts.end()};
}

std::string ValueText(const Value& value) { return Text(value, 0); }

}  // namespace laptime::client
