#include "tests/testing/every_method.h"

#include <stdexcept>

namespace laptime::testing {

std::vector<const google::protobuf::MethodDescriptor*> EveryMethod() {
  std::vector<const google::protobuf::MethodDescriptor*> methods;
  for (const char* name : {LAPTIME_PROTO_FILES}) {
    const auto* file = google::protobuf::DescriptorPool::generated_pool()->FindFileByName(name);
    if (file == nullptr) throw std::runtime_error(std::string(name) + " is not linked");
    for (int i = 0; i < file->service_count(); ++i)
      for (int j = 0; j < file->service(i)->method_count(); ++j)
        methods.push_back(file->service(i)->method(j));
  }
  return methods;
}

// Newer protobuf has views for names.
std::string PathOf(const google::protobuf::MethodDescriptor& method) {
  return "/" + std::string(method.service()->full_name()) + "/" + std::string(method.name());
}

}  // namespace laptime::testing
