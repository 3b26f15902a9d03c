#include "storage/config_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "google/protobuf/util/json_util.h"

namespace laptime::storage {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using nlohmann::json;

// Beyond it a double does not hold every whole number.
constexpr double kLargestWhole = 9007199254740992.0;

json ToJson(const Value& value);

json ToJson(const Struct& fields) {
  json object = json::object();
  for (const auto& [key, value] : fields.fields()) object[key] = ToJson(value);
  return object;
}

json ToJson(double number) {
  const bool whole = std::trunc(number) == number && std::abs(number) <= kLargestWhole;
  return whole ? json(static_cast<int64_t>(number)) : json(number);
}

json ToJson(const Value& value) {
  switch (value.kind_case()) {
    case Value::kNumberValue:
      return ToJson(value.number_value());
    case Value::kStringValue:
      return value.string_value();
    case Value::kBoolValue:
      return value.bool_value();
    case Value::kStructValue:
      return ToJson(value.struct_value());
    case Value::kListValue: {
      json list = json::array();
      for (const Value& element : value.list_value().values()) list.push_back(ToJson(element));
      return list;
    }
    default:
      return nullptr;
  }
}

// Bytes that are no UTF-8 are replaced: dump never throws.
std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string StructToJson(const Struct& fields) { return Dump(ToJson(fields)); }

Struct JsonToStruct(const std::string& json) {
  Struct fields;
  if (!google::protobuf::util::JsonStringToMessage(json, &fields).ok()) fields.Clear();
  return fields;
}

std::string TextsToJson(const google::protobuf::RepeatedPtrField<std::string>& texts) {
  nlohmann::json list = nlohmann::json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

google::protobuf::RepeatedPtrField<std::string> JsonToTexts(const std::string& json) {
  google::protobuf::RepeatedPtrField<std::string> texts;
  if (json.empty() || json == "[]") return texts;  // most are, and parsing takes time
  const auto list = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return texts;
  for (const nlohmann::json& text : list) {
    if (text.is_string()) texts.Add(text.get<std::string>());
  }
  return texts;
}

std::string WithSeed(const std::string& config, int64_t seed) {
  json fields = json::parse(config, nullptr, /*allow_exceptions=*/false);
  if (!fields.is_object()) fields = json::object();
  fields["seed"] = seed;
  return Dump(fields);
}

}  // namespace laptime::storage
