#include "client/grid.h"

#include <algorithm>

#include "client/csv.h"
#include "client/format.h"
#include "client/text.h"
#include "proto/support/status.h"

namespace laptime::client {
namespace {

constexpr char kAbsent[] = "—";

Grid Pick(const Grid& grid, const std::vector<size_t>& columns) {
  Grid picked;
  for (size_t column : columns) picked.headings.push_back(grid.headings[column]);
  for (const std::vector<Cell>& row : grid.rows) {
    std::vector<Cell>& cells = picked.rows.emplace_back();
    for (size_t column : columns) cells.push_back(row[column]);
  }
  return picked;
}

const char* ColorOf(Style style) {
  switch (style) {
    case Style::kGood:
      return "\033[32m";
    case Style::kWarning:
      return "\033[33m";
    case Style::kBad:
      return "\033[31m";
    case Style::kDim:
      return "\033[2m";
    case Style::kPlain:
      break;
  }
  return "";
}

std::vector<int> Widths(const Grid& grid) {
  std::vector<int> widths;
  for (const Heading& heading : grid.headings) widths.push_back(DisplayWidth(heading.header));
  for (const std::vector<Cell>& row : grid.rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(SafeText(row[i].text)));
    }
  }
  return widths;
}

std::string EscapedForMarkdown(const std::string& text) {
  std::string escaped;
  for (char letter : SafeText(text)) {
    if (letter == '<') {
      escaped += "&lt;";
    } else if (letter == '&') {
      escaped += "&amp;";
    } else {
      if (std::string("\\|`*_[]~").find(letter) != std::string::npos) escaped += '\\';
      escaped += letter;
    }
  }
  return escaped;
}

}  // namespace

Cell TextCell(const std::string& text, Style style) {
  return {text.empty() ? kAbsent : text, text, style, false};
}

Cell NumberCell(int64_t number) {
  return {std::to_string(number), std::to_string(number), Style::kPlain, true};
}

Cell MeasuredCell(std::optional<double> value, const std::function<std::string(double)>& show) {
  if (!value) return {kAbsent, "", Style::kDim, true};
  return {show(*value), Exact(*value), Style::kPlain, true};
}

Cell TimeCell(std::optional<int64_t> unix_ms) {
  if (!unix_ms || *unix_ms == 0) return {kAbsent, "", Style::kDim, false};
  return {LocalTime(*unix_ms), UtcTime(*unix_ms), Style::kPlain, false};
}

Grid Narrow(const Grid& grid) {
  std::vector<size_t> columns;
  for (size_t i = 0; i < grid.headings.size(); ++i) {
    const bool empty =
        std::ranges::all_of(grid.rows, [i](const auto& row) { return row[i].raw.empty(); });
    if (!grid.headings[i].wide && !(grid.headings[i].sparse && empty)) columns.push_back(i);
  }
  return Pick(grid, columns);
}

absl::Status UnknownField(const std::string& name, const std::vector<std::string>& names) {
  return WithHint(absl::StatusCode::kInvalidArgument, "--fields: unknown field '" + name + "'",
                  NearestHint(name, names, "fields: " + Joined(names, " ")));
}

absl::StatusOr<Grid> SelectFields(const Grid& grid, const std::vector<std::string>& fields) {
  std::vector<std::string> names;
  for (const Heading& heading : grid.headings) names.push_back(heading.name);
  std::vector<size_t> columns;
  for (const std::string& field : fields) {
    const auto found = std::ranges::find(names, field);
    if (found == names.end()) return UnknownField(field, names);
    columns.push_back(static_cast<size_t>(found - names.begin()));
  }
  return Pick(grid, columns);
}

std::string RenderTable(const Grid& grid, bool color) {
  const std::vector<int> widths = Widths(grid);
  const auto line = [&](const std::function<Cell(size_t)>& cell) {
    std::string text;
    for (size_t i = 0; i < widths.size(); ++i) {
      const Cell shown = cell(i);
      const bool last = i + 1 == widths.size();
      const bool right = grid.headings[i].right_aligned;
      const std::string padded =
          last && !right ? SafeText(shown.text) : Pad(SafeText(shown.text), widths[i], right);
      const bool painted = color && shown.style != Style::kPlain;
      text += (i == 0 ? "" : "  ") + (painted ? ColorOf(shown.style) + padded + "\033[0m" : padded);
    }
    return text + "\n";
  };
  std::string table = line([&](size_t i) {
    return Cell{grid.headings[i].header, "", Style::kDim, false};
  });
  for (const std::vector<Cell>& row : grid.rows) table += line([&](size_t i) { return row[i]; });
  return table;
}

std::string RenderMarkdown(const Grid& grid) {
  std::string header = "|";
  std::string rule = "|";
  for (const Heading& heading : grid.headings) {
    header += " " + EscapedForMarkdown(heading.header) + " |";
    rule += heading.right_aligned ? " ---: |" : " --- |";
  }
  std::string text = header + "\n" + rule + "\n";
  for (const std::vector<Cell>& row : grid.rows) {
    text += "|";
    for (const Cell& cell : row) text += " " + EscapedForMarkdown(cell.text) + " |";
    text += "\n";
  }
  return text;
}

std::string RenderCsv(const Grid& grid) {
  std::string text;
  const auto line = [&](const std::function<std::string(size_t)>& value) {
    for (size_t i = 0; i < grid.headings.size(); ++i) {
      text += (i == 0 ? "" : ",") + CsvText(value(i));
    }
    text += "\n";
  };
  line([&](size_t i) { return grid.headings[i].name; });
  for (const std::vector<Cell>& row : grid.rows) line([&](size_t i) { return row[i].raw; });
  return text;
}

std::string RenderFacts(const std::vector<std::pair<std::string, std::string>>& facts) {
  int width = 0;
  for (const auto& [label, value] : facts) {
    if (!value.empty()) width = std::max(width, DisplayWidth(label));
  }
  std::string text;
  for (const auto& [label, value] : facts) {
    if (!value.empty()) text += Pad(SafeText(label), width, false) + "  " + SafeText(value) + "\n";
  }
  return text;
}

}  // namespace laptime::client
