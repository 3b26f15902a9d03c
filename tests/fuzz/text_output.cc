// One text in every kind of output: csv cells, table cells, Markdown, JSON, log text, error lines.

#include <google/protobuf/wrappers.pb.h>

#include <nlohmann/json.hpp>

#include "client/csv.h"
#include "client/grid.h"
#include "client/json.h"
#include "client/log_text.h"
#include "client/session.h"
#include "client/text.h"
#include "proto/support/log.h"
#include "tests/fuzz/harness.h"
#include "tests/testing/output_dangers.h"

namespace {

using laptime::fuzz::Must;
using laptime::testing::CsvCells;
using laptime::testing::FormulaDanger;
using laptime::testing::TerminalDanger;

void Csv(const std::string& text) {
  const std::string cell = laptime::client::CsvText(text);
  Must(TerminalDanger(cell).empty(), "csv: " + TerminalDanger(cell));
  Must(FormulaDanger(cell + ",x\n").empty(), "csv: " + FormulaDanger(cell + ",x\n"));
  const auto rows = CsvCells(cell + ",x\n", ",");
  Must(rows.size() == 1 && rows[0].size() == 2 && rows[0][1] == "x", "a cell stays one cell");
}

void Grid(const std::string& text) {
  laptime::client::Grid grid;
  grid.headings = {{"a", "A"}, {"b", "B", true}};
  grid.rows = {{laptime::client::TextCell(text), laptime::client::NumberCell(1)}};
  const std::string table = laptime::client::RenderTable(grid, false);
  Must(TerminalDanger(table).empty(), "table: " + TerminalDanger(table));
  Must(std::count(table.begin(), table.end(), '\n') == 2, "a row stays one row");
  const std::string markdown = laptime::client::RenderMarkdown(grid);
  const std::string torn = laptime::testing::MarkdownDanger(markdown, 2);
  Must(torn.empty() && TerminalDanger(markdown).empty(), "Markdown: " + torn);
}

void Json(const std::string& text) {
  google::protobuf::StringValue value;
  // Texts on the wire are UTF-8.
  value.set_value(laptime::client::SafeText(text, true));
  const std::string json = laptime::client::ToJson(value, false);
  const auto read = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  Must(read.is_string() && read == value.value(), "JSON reads back the same");
  Must(TerminalDanger(json).empty(), "JSON: " + TerminalDanger(json));
}

void Widths(const std::string& text, int width) {
  const std::string safe = laptime::client::SafeText(text);
  Must(TerminalDanger(safe).empty(), "safe text: " + TerminalDanger(safe));
  const std::string cut = laptime::client::Truncate(safe, width);
  Must(laptime::client::DisplayWidth(cut) <= std::max(width, 0), "a cut text fits");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  const int width = input.Byte();
  const std::string text = input.Rest();
  Csv(text);
  Grid(text);
  Json(text);
  Widths(text, width);
  const std::string error = laptime::client::ErrorText(absl::InternalError(text));
  Must(TerminalDanger(error).empty(), "an error: " + TerminalDanger(error));
  google::protobuf::RepeatedPtrField<laptime::v1::LogPiece> pieces;
  pieces.Add()->set_text(text);
  pieces.Add()->set_offset(static_cast<int64_t>(text.size()) / 2);
  pieces[1].set_text(text);
  std::string log = laptime::client::LogText().Append(pieces);
  std::erase(log, '\t');
  Must(TerminalDanger(log).empty(), "a log: " + TerminalDanger(log));
  return 0;
}
