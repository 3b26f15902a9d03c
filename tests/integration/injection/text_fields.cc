#include "tests/integration/injection/text_fields.h"

#include <algorithm>

namespace laptime::testing {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void Collect(const Descriptor& type, const TextField& before, std::vector<TextField>& found) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    TextField here = before;
    here.name += (here.name.empty() ? "" : ".") + std::string(field->name());
    here.way.push_back(field);
    if (field->type() == FieldDescriptor::TYPE_STRING) found.push_back(here);
    if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) continue;
    const bool entered = std::ranges::any_of(before.way, [&](const FieldDescriptor* earlier) {
      return earlier->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE &&
             earlier->message_type() == field->message_type();
    });
    if (!entered) Collect(*field->message_type(), here, found);
  }
}

}  // namespace

std::vector<TextField> TextFields(const Descriptor& type) {
  std::vector<TextField> found;
  Collect(type, {}, found);
  return found;
}

void PutText(Message& message, const TextField& field, const std::string& text) {
  Message* at = &message;
  for (const FieldDescriptor* step : field.way) {
    const Reflection& reflection = *at->GetReflection();
    const bool last = step == field.way.back();
    if (!last) {
      if (!step->is_repeated()) {
        at = reflection.MutableMessage(at, step);
      } else if (reflection.FieldSize(*at, step) > 0) {
        at = reflection.MutableRepeatedMessage(at, step, 0);
      } else {
        at = reflection.AddMessage(at, step);
      }
    } else if (!step->is_repeated()) {
      reflection.SetString(at, step, text);
    } else if (reflection.FieldSize(*at, step) > 0) {
      reflection.SetRepeatedString(at, step, 0, text);
    } else {
      reflection.AddString(at, step, text);
    }
  }
}

}  // namespace laptime::testing
