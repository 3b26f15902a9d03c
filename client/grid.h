#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime::client {

enum class Style { kPlain, kGood, kWarning, kBad, kDim };

// One value of a table: `text` for people, `raw` for csv (exact number, full id, UTC time; empty =
// not measured). Both may hold anything a remote host sent: the renderers neutralise it.
struct Cell {
  std::string text;
  std::string raw;
  Style style = Style::kPlain;
  bool number = false;  // `raw` is a number, not a text that looks like one
};

// The same text for people and for csv; an empty one is shown as "—".
Cell TextCell(const std::string& text, Style style = Style::kPlain);
Cell NumberCell(int64_t number);
// `show` makes the text for people; an absent value is "—" and empty in csv.
Cell MeasuredCell(std::optional<double> value, const std::function<std::string(double)>& show);
Cell TimeCell(std::optional<int64_t> unix_ms);

// What a column is called: `name` in csv and for --fields, `header` on screens. Columns with `wide`
// appear in
// `-o wide`, `-o csv` and where --fields names them.
struct Heading {
  std::string name;
  std::string header;
  bool right_aligned = false;
  bool wide = false;
  bool sparse = false;  // left out of a narrow table in which no row has a value
};

// One column of a table about `Row` messages.
template <typename Row>
struct Column {
  Heading heading;
  std::function<Cell(const Row&)> value;
};

// A table of cells, made once from messages and rendered in any format. A value.
struct Grid {
  std::vector<Heading> headings;
  std::vector<std::vector<Cell>> rows;
};

template <typename Row, typename Rows>
Grid MakeGrid(const std::vector<Column<Row>>& columns, const Rows& rows) {
  Grid grid;
  for (const Column<Row>& column : columns) grid.headings.push_back(column.heading);
  for (const Row& row : rows) {
    std::vector<Cell>& cells = grid.rows.emplace_back();
    for (const Column<Row>& column : columns) cells.push_back(column.value(row));
  }
  return grid;
}

// The grid without its wide columns, and without sparse ones that are empty.
Grid Narrow(const Grid& grid);

// What --fields says of a name that is none of `names`: kInvalidArgument with the nearest.
absl::Status UnknownField(const std::string& name, const std::vector<std::string>& names);

// The columns named, in that order; kInvalidArgument names the nearest column for one that does not
// exist.
absl::StatusOr<Grid> SelectFields(const Grid& grid, const std::vector<std::string>& fields);

// Aligned columns, two spaces apart, a header line first; nothing but the header without rows.
std::string RenderTable(const Grid& grid, bool color);

// A GitHub table; what Markdown would interpret is escaped.
std::string RenderMarkdown(const Grid& grid);

// RFC 4180 with line feeds. A text that a spreadsheet would run as a formula gets a leading
// apostrophe.
std::string RenderCsv(const Grid& grid);

// "label  value" lines, labels aligned; entries with an empty value are left out.
std::string RenderFacts(const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace laptime::client
