#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime::client {

// One value of a message, or of a message within it: a column of an export. `name` is the way to it
// in the message's JSON, with points: "epoch.phases.forward".
struct FlatColumn {
  std::string name;
  std::vector<const google::protobuf::FieldDescriptor*> way;
};

// Every single value of the type, in the order of the proto, so that a field that is added there
// becomes a column by itself. A list of texts is one value; other lists and maps are left out.
std::vector<FlatColumn> FlatColumns(const google::protobuf::Descriptor& type);

// The columns named, in that order; kInvalidArgument names the nearest for one that does not exist.
absl::StatusOr<std::vector<FlatColumn>> ChooseColumns(const std::vector<FlatColumn>& columns,
                                                      const std::vector<std::string>& names);

// "a,b,c" without a line break.
std::string CsvHeader(const std::vector<FlatColumn>& columns);

// The row's values as one csv line without a line break. Numbers are exact, enums are words
// ("succeeded"), a list of texts has "; " between them; what was not measured is empty.
std::string CsvLine(const std::vector<FlatColumn>& columns, const google::protobuf::Message& row);

}  // namespace laptime::client
