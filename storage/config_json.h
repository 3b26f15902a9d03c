#pragma once

#include <cstdint>
#include <string>

#include "google/protobuf/repeated_field.h"
#include "google/protobuf/struct.pb.h"

namespace laptime::storage {

// A Struct as compact JSON with sorted keys, whole numbers without a decimal point.
std::string StructToJson(const google::protobuf::Struct& fields);

// The other way; empty when `json` is no JSON object.
google::protobuf::Struct JsonToStruct(const std::string& json);

// A JSON array of strings, and the other way: what is no string is left out, all of another text.
std::string TextsToJson(const google::protobuf::RepeatedPtrField<std::string>& texts);
google::protobuf::RepeatedPtrField<std::string> JsonToTexts(const std::string& json);

// `config` (a JSON object) with its "seed" replaced.
std::string WithSeed(const std::string& config, int64_t seed);

}  // namespace laptime::storage
