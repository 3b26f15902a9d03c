#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/grid.h"

namespace laptime::client {

enum class Format { kTable, kWide, kJson, kJsonLines, kCsv, kMarkdown };

const std::vector<std::string>& FormatNames();
std::optional<Format> FormatFromName(const std::string& name);

// How the person wants to see an answer.
struct Look {
  Format format = Format::kTable;
  std::vector<std::string> fields;  // --fields; empty = all
  bool color = false;
};

// One answer, described once for every format.
struct Answer {
  // `-o json`: the message as it is, which must outlive the answer. nullptr: JSON is made from the
  // grid.
  const google::protobuf::Message* message;
  // The repeated field of `message` whose elements are the lines of `-o jsonl` and the rows of
  // `grid`; empty: the message itself is the only line. Without a message it only names the rows in
  // `-o json`.
  std::string rows_field;
  // `-o table|wide|csv|md`.
  Grid grid;
  // What people see instead of the bare grid in `-o table|wide`; may be empty. `wide` is its
  // argument.
  std::function<std::string(bool wide, bool color)> view;
};

// The answer as text, line break at the end. kInvalidArgument: --fields names an unknown column.
absl::StatusOr<std::string> Render(const Answer& answer, const Look& look);

}  // namespace laptime::client
