#pragma once

#include <google/protobuf/struct.pb.h>

#include <string>
#include <utility>
#include <vector>

namespace laptime::client {

// A free-form struct as sorted "label, value" pairs for people: nested keys joined by dots, lists
// in one line.
std::vector<std::pair<std::string, std::string>> FactsOf(const google::protobuf::Struct& data);

// One value as text: numbers without needless digits, lists joined by ", ".
std::string ValueText(const google::protobuf::Value& value);

}  // namespace laptime::client
