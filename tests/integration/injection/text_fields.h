#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

namespace laptime::testing {

// One text that a message may hold: `way` leads to it through messages, lists and maps (a map's key
// and its value are two).
struct TextField {
  std::string name;  // "settings.key"
  std::vector<const google::protobuf::FieldDescriptor*> way;
};

// Every text of the type, found in its descriptor: one that is added to the proto is among them
// without anybody thinking of it. Types that hold themselves are entered once.
std::vector<TextField> TextFields(const google::protobuf::Descriptor& type);

// Puts the text there; into the first element of each list on the way, which is added when there is
// none, so that what stands beside it stays.
void PutText(google::protobuf::Message& message, const TextField& field, const std::string& text);

}  // namespace laptime::testing
