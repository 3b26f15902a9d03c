#include "client/flat_columns.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "client/csv.h"
#include "client/format.h"
#include "client/grid.h"
#include "client/text.h"

namespace laptime::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

void AddColumns(const Descriptor& type, const FlatColumn& parent, std::vector<FlatColumn>& all) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    FlatColumn column = parent;
    column.name += (parent.name.empty() ? "" : ".") + std::string(field.name());
    column.way.push_back(&field);
    const bool message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
    if (message && !field.is_repeated()) {
      AddColumns(*field.message_type(), column, all);
    } else if (!field.is_repeated() || field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
      all.push_back(std::move(column));
    }
  }
}

// "not evaluated" of VALIDITY_NOT_EVALUATED; empty where nothing is specified.
std::string EnumWord(const EnumValueDescriptor& value) {
  if (value.number() == 0) return "";
  // What the names of all values have in common, as the unspecified one shows.
  const std::string zero(value.type()->FindValueByNumber(0)->name());
  std::string word(value.name());
  const size_t prefix = zero.rfind("UNSPECIFIED");
  if (prefix != std::string::npos) word = word.substr(prefix);
  std::ranges::transform(word, word.begin(), [](unsigned char letter) {
    return letter == '_' ? ' ' : static_cast<char>(std::tolower(letter));
  });
  return word;
}

std::string TextsOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<std::string> texts;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i)
    texts.push_back(reflection.GetRepeatedString(message, &field, i));
  return Joined(texts, "; ");
}

// "-inf" is no number to a spreadsheet.
std::string NumberText(double value) { return std::isnan(value) ? "NaN" : CsvText(Exact(value)); }

std::string ValueOf(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (field.is_repeated()) return CsvText(TextsOf(message, field));
  if (field.has_presence() && !reflection.HasField(message, &field)) return "";
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberText(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return NumberText(reflection.GetFloat(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return std::to_string(reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return std::to_string(reflection.GetInt64(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(reflection.GetUInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(reflection.GetUInt64(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection.GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_ENUM:
      return CsvText(EnumWord(*reflection.GetEnum(message, &field)));
    case FieldDescriptor::CPPTYPE_STRING:
      return CsvText(reflection.GetString(message, &field));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;  // has columns of its own
  }
  return "";
}

// Empty when a message on the way is absent.
std::string ValueAt(const Message& row, const FlatColumn& column) {
  const Message* message = &row;
  for (size_t i = 0; i + 1 < column.way.size(); ++i) {
    const Reflection& reflection = *message->GetReflection();
    if (!reflection.HasField(*message, column.way[i])) return "";
    message = &reflection.GetMessage(*message, column.way[i]);
  }
  return ValueOf(*message, *column.way.back());
}

}  // namespace

std::vector<FlatColumn> FlatColumns(const Descriptor& type) {
  std::vector<FlatColumn> columns;
  AddColumns(type, {}, columns);
  return columns;
}

absl::StatusOr<std::vector<FlatColumn>> ChooseColumns(const std::vector<FlatColumn>& columns,
                                                      const std::vector<std::string>& names) {
  std::vector<std::string> all;
  for (const FlatColumn& column : columns) all.push_back(column.name);
  std::vector<FlatColumn> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, name);
    if (found == all.end()) return UnknownField(name, all);
    chosen.push_back(columns[static_cast<size_t>(found - all.begin())]);
  }
  return chosen;
}

std::string CsvHeader(const std::vector<FlatColumn>& columns) {
  std::string line;
  for (const FlatColumn& column : columns) line += (line.empty() ? "" : ",") + column.name;
  return line;
}

std::string CsvLine(const std::vector<FlatColumn>& columns, const Message& row) {
  std::string line;
  for (size_t i = 0; i < columns.size(); ++i)
    line += (i == 0 ? "" : ",") + ValueAt(row, columns[i]);
  return line;
}

}  // namespace laptime::client
