#include "client/json.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <memory>

namespace laptime::client {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com";

google::protobuf::util::JsonPrintOptions PrintOptions(bool pretty) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = pretty;
  options.preserve_proto_field_names = true;
#if GOOGLE_PROTOBUF_VERSION >= 5026000
  options.always_print_fields_with_no_presence = true;
#else
  options.always_print_primitive_fields = true;
#endif
  return options;
}

// MessageToJsonString prints maps in an order that changes; this form of the bytes does not.
std::string DeterministicBytes(const google::protobuf::Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return bytes;
}

// protobuf escapes control characters and the older marks of the writing direction, but not these:
// U+061C and U+2066…U+2069. Outside of texts JSON has none of them.
std::string WithoutDirections(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (size_t at = 0; at < json.size(); ++at) {
    if (json.compare(at, 2, "\xD8\x9C") == 0) {
      safe += "\\u061c";
      at += 1;
    } else if (json.compare(at, 2, "\xE2\x81") == 0 && at + 2 < json.size() &&
               json[at + 2] >= '\xA6' && json[at + 2] <= '\xA9') {
      safe += "\\u20" + std::to_string(66 + (json[at + 2] - '\xA6'));
      at += 2;
    } else {
      safe += json[at];
    }
  }
  return safe;
}

}  // namespace

std::string ToJson(const google::protobuf::Message& message, bool pretty) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  // Making one takes longer than printing a small message. All messages are generated ones.
  static const std::unique_ptr<google::protobuf::util::TypeResolver> resolver(
      google::protobuf::util::NewTypeResolverForDescriptorPool(kTypePrefix, type.file()->pool()));
  std::string json;
  const auto status = google::protobuf::util::BinaryToJsonString(
      resolver.get(), std::string(kTypePrefix) + "/" + std::string(type.full_name()),
      DeterministicBytes(message), &json, PrintOptions(pretty));
  // Fails only for types that the pool does not know, and `message` is of one that it does.
  if (!status.ok()) return "{}";
  if (!json.empty() && json.back() == '\n') json.pop_back();
  return WithoutDirections(json);
}

}  // namespace laptime::client
