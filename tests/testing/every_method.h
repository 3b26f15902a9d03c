#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

namespace laptime::testing {

// Every method of every service of every file under proto/, in the order of the files: one that is
// new is in here by itself. Throws std::runtime_error for a file that the program does not link.
std::vector<const google::protobuf::MethodDescriptor*> EveryMethod();

// "/package.Service/Method", as it is called.
std::string PathOf(const google::protobuf::MethodDescriptor& method);

}  // namespace laptime::testing
