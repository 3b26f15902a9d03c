#pragma once

#include <google/protobuf/message.h>

#include <string>

namespace laptime::client {

// The protobuf JSON of `message` with the proto's own field names, enums by name and unset plain
// fields printed; fields that were not measured are absent. Keys of maps and structs are sorted, so
// that the same message always gives the same text. One line unless `pretty`.
std::string ToJson(const google::protobuf::Message& message, bool pretty);

}  // namespace laptime::client
