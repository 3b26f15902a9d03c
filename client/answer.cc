#include "client/answer.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/json.h"

namespace laptime::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using nlohmann::ordered_json;

std::vector<const Message*> RowsOf(const Answer& answer) {
  if (answer.message == nullptr) return {};
  const Message& message = *answer.message;
  if (answer.rows_field.empty()) return {&message};
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(answer.rows_field);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  std::vector<const Message*> rows;
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    rows.push_back(&reflection.GetRepeatedMessage(message, field, i));
  }
  return rows;
}

// What stands in csv, as JSON: null where nothing was measured.
ordered_json AsJson(const Cell& cell) {
  if (cell.raw.empty()) return nullptr;
  if (cell.number && ordered_json::accept(cell.raw)) return ordered_json::parse(cell.raw);
  return cell.raw;
}

// The chosen fields of each row: as the message has them, else as csv has them.
std::vector<ordered_json> SelectedRows(const Answer& answer, const Grid& selected) {
  const std::vector<const Message*> messages = RowsOf(answer);
  std::vector<ordered_json> rows;
  for (size_t i = 0; i < selected.rows.size(); ++i) {
    const ordered_json whole = i < messages.size()
                                   ? ordered_json::parse(ToJson(*messages[i], false))
                                   : ordered_json::object();
    ordered_json row = ordered_json::object();
    for (size_t column = 0; column < selected.headings.size(); ++column) {
      const std::string& name = selected.headings[column].name;
      row[name] = whole.contains(name) ? whole[name] : AsJson(selected.rows[i][column]);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// Escaped as protobuf's JSON is: bytes from elsewhere reach a terminal only as \u…, and what is no
// UTF-8 does not throw.
std::string Dump(const ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', /*ensure_ascii=*/true, ordered_json::error_handler_t::replace);
}

std::string Lines(const std::vector<ordered_json>& rows) {
  std::string text;
  for (const ordered_json& row : rows) text += Dump(row) + "\n";
  return text;
}

std::string RenderJson(const Answer& answer, const Look& look, const Grid& selected) {
  const bool lines = look.format == Format::kJsonLines;
  if (look.fields.empty() && answer.message != nullptr) {
    if (!lines) return ToJson(*answer.message, true) + "\n";
    std::string text;
    for (const Message* row : RowsOf(answer)) text += ToJson(*row, false) + "\n";
    return text;
  }
  const std::vector<ordered_json> rows = SelectedRows(answer, selected);
  if (lines) return Lines(rows);
  if (!answer.rows_field.empty()) return Dump(ordered_json{{answer.rows_field, rows}}, 1) + "\n";
  return Dump(ordered_json(rows), 1) + "\n";
}

}  // namespace

const std::vector<std::string>& FormatNames() {
  static const std::vector<std::string> names{"table", "wide", "json", "jsonl", "csv", "md"};
  return names;
}

std::optional<Format> FormatFromName(const std::string& name) {
  const auto found = std::ranges::find(FormatNames(), name);
  if (found == FormatNames().end()) return std::nullopt;
  return static_cast<Format>(found - FormatNames().begin());
}

absl::StatusOr<std::string> Render(const Answer& answer, const Look& look) {
  Grid grid = answer.grid;
  if (!look.fields.empty()) {
    absl::StatusOr<Grid> selected = SelectFields(answer.grid, look.fields);
    if (!selected.ok()) return selected.status();
    grid = *std::move(selected);
  }
  const bool chosen = !look.fields.empty();
  switch (look.format) {
    case Format::kJson:
    case Format::kJsonLines:
      return RenderJson(answer, look, grid);
    case Format::kCsv:
      return RenderCsv(grid);
    case Format::kMarkdown:
      return RenderMarkdown(chosen ? grid : Narrow(grid));
    case Format::kTable:
    case Format::kWide:
      break;
  }
  const bool wide = look.format == Format::kWide;
  if (answer.view && !chosen) return answer.view(wide, look.color);
  return RenderTable(chosen || wide ? grid : Narrow(grid), look.color);
}

}  // namespace laptime::client
