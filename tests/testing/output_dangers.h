#pragma once

#include <string>
#include <vector>

namespace laptime::testing {

// What output may do to whoever looks at it. Each returns what it found, in words, or an empty
// text. They are written without the code under test: a mistake there shall not hide itself.

// Bytes that a terminal obeys rather than shows: control characters (line breaks aside, and the
// colours that laptime itself sets, with `own_colors`), characters that turn the writing direction,
// bytes that are no UTF-8.
std::string TerminalDanger(const std::string& text, bool own_colors = false);

// A csv cell that a spreadsheet would run: one that begins, after blanks, with = + - @, tab or
// carriage return, and is no number. Also where the program splits cells at semicolons or tabs
// outside of quotes, as many do.
std::string FormulaDanger(const std::string& csv);

// What a Markdown viewer would take for HTML or markup, or for the end of a cell, in a table of so
// many columns.
std::string MarkdownDanger(const std::string& text, size_t columns);

// Rows of cells, quotes resolved; cells end at one of `separators`.
std::vector<std::vector<std::string>> CsvCells(const std::string& csv,
                                               const std::string& separators);

}  // namespace laptime::testing
