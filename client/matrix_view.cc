#include "client/matrix_view.h"

#include <algorithm>
#include <map>
#include <vector>

#include "client/columns.h"
#include "client/text.h"

namespace laptime::client {
namespace {

using v1::MatrixCell;

constexpr int64_t kHourMs = 3600LL * 1000;
constexpr int64_t kDayMs = 24 * kHourMs;

// "41d", "5h"
std::string Age(int64_t milliseconds) {
  if (milliseconds >= kDayMs) return std::to_string(milliseconds / kDayMs) + "d";
  return std::to_string(std::max<int64_t>(0, milliseconds / kHourMs)) + "h";
}

Style StyleOfCell(const std::string& state) {
  if (state == "fresh") return Style::kGood;
  if (state == "invalid") return Style::kBad;
  return state == "stale" ? Style::kWarning : Style::kPlain;
}

std::vector<Column<MatrixCell>> CellColumns(int64_t now_unix_ms) {
  using Row = MatrixCell;
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Row>("device", "DEVICE", [](const Row& c) { return c.device(); }),
      TextColumn<Row>("workload", "WORKLOAD", [](const Row& c) { return c.workload(); }),
      TextColumn<Row>("libtorch", "LIBTORCH", [](const Row& c) { return c.libtorch(); }),
      {{"state", "STATE", false, false},
       [now_unix_ms](const Row& c) {
         return Cell{CellText(c, now_unix_ms), c.state(), StyleOfCell(c.state())};
       }},
      NumberColumn<Row>("runs", "RUNS", [](const Row& c) { return c.runs(); }),
      NumberColumn<Row>("runs_coming", "COMING", [](const Row& c) { return c.runs_coming(); }),
      NumberColumn<Row>("runs_missing", "TO SUBMIT", [](const Row& c) { return c.runs_missing(); }),
      MeasuredColumn<Row>(
          "median_epoch_seconds", "LAP",
          [](const Row& c) { return LAPTIME_MEASURED(c, median_epoch_seconds); }, Duration),
      TimeColumn<Row>("newest_unix_ms", "NEWEST",
                      [](const Row& c) { return LAPTIME_MEASURED(c, newest_unix_ms); }),
      TextColumn<Row>("reason", "REASON", [](const Row& c) { return c.reason(); }),
      TextColumn<Row>(
          "workload_hash", "HASH", [](const Row& c) { return c.workload_hash().substr(0, 8); },
          kWide),
  };
}

// The values in the order in which they first appear.
std::vector<std::string> Distinct(const v1::GetMatrixResponse& matrix,
                                  const std::string& (MatrixCell::*field)() const) {
  std::vector<std::string> values;
  for (const MatrixCell& cell : matrix.cells()) {
    if (std::ranges::find(values, (cell.*field)()) == values.end())
      values.push_back((cell.*field)());
  }
  return values;
}

Grid ByDevice(const v1::GetMatrixResponse& matrix, int64_t now_unix_ms) {
  const std::vector<std::string> workloads = Distinct(matrix, &MatrixCell::workload);
  Grid grid;
  grid.headings = {{"device", "DEVICE", false, false}, {"libtorch", "LIBTORCH", false, false}};
  for (const std::string& workload : workloads)
    grid.headings.push_back({workload, workload, false, false});
  std::map<std::pair<std::string, std::string>, const MatrixCell*> cells;
  for (const MatrixCell& cell : matrix.cells()) {
    if (cell.present()) cells[{cell.device(), cell.workload()}] = &cell;
  }
  for (const std::string& device : Distinct(matrix, &MatrixCell::device)) {
    std::string libtorch;
    std::vector<Cell> states;
    for (const std::string& workload : workloads) {
      // A coordinator tells every pair; what another one leaves out stays empty.
      const auto found = cells.find({device, workload});
      if (found == cells.end()) {
        states.push_back(TextCell(""));
        continue;
      }
      const MatrixCell& cell = *found->second;
      if (libtorch.empty()) libtorch = cell.libtorch();
      states.push_back(TextCell(CellText(cell, now_unix_ms), StyleOfCell(cell.state())));
    }
    std::vector<Cell>& row = grid.rows.emplace_back();
    row = {TextCell(device), TextCell(libtorch)};
    row.insert(row.end(), states.begin(), states.end());
  }
  return grid;
}

}  // namespace

std::string CellText(const MatrixCell& cell, int64_t now_unix_ms) {
  std::string text = cell.state();
  const std::string runs = std::to_string(cell.runs());
  if (cell.state() == "fresh") text += " " + runs;
  if (cell.state() == "stale")
    text += " " + runs + " (" + Age(now_unix_ms - cell.newest_unix_ms()) + ")";
  if (cell.state() == "missing") {
    // What a cell of an older LibTorch wanted cannot be told from what is to be submitted.
    text += " " + runs;
    if (cell.present())
      text += "/" + std::to_string(cell.runs() + cell.runs_coming() + cell.runs_missing());
  }
  if (cell.runs_coming() > 0) text += ", " + std::to_string(cell.runs_coming()) + " running";
  return text;
}

Grid MatrixGrid(const v1::GetMatrixResponse& matrix, int64_t now_unix_ms) {
  return MakeGrid(CellColumns(now_unix_ms), matrix.cells());
}

std::string MatrixPage(const v1::GetMatrixResponse& matrix, int64_t now_unix_ms, bool wide,
                       bool color) {
  const Grid cells = MatrixGrid(matrix, now_unix_ms);
  if (wide || matrix.cells().empty()) return RenderTable(wide ? cells : Narrow(cells), color);
  std::string page = RenderTable(ByDevice(matrix, now_unix_ms), color);
  std::string reasons;
  for (const MatrixCell& cell : matrix.cells()) {
    if (cell.state() == "invalid" && cell.present())
      reasons += SafeText(cell.device() + " " + cell.workload() + ": " + cell.reason()) + "\n";
  }
  return page + (reasons.empty() ? "" : "\n" + reasons);
}

}  // namespace laptime::client
