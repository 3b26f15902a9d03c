#include "client/csv.h"

#include <algorithm>
#include <string>

#include "client/text.h"
#include "proto/support/workload_spec.h"

namespace laptime::client {
namespace {

constexpr char kFormulaSigns[] = "=+-@";

// With an apostrophe before what a spreadsheet would run: at the beginning, and after each
// semicolon, at which many of them split cells, whatever quotes stand around it. Plain numbers stay
// numbers: "-5" runs nothing.
std::string WithoutFormulas(const std::string& text) {
  std::string safe;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(';', begin), text.size());
    std::string part = text.substr(begin, end - begin);
    const size_t first = part.find_first_not_of(' ');
    const bool sign = first != std::string::npos &&
                      std::string(kFormulaSigns).find(part[first]) != std::string::npos;
    // Where cells end at commas alone the first part begins all of the text.
    if (sign && !ParseNumber(begin == 0 ? text : part)) part.insert(first, 1, '\'');
    safe += part;
    if (end < text.size()) safe += ';';
    begin = end + 1;
  }
  return safe;
}

}  // namespace

std::string CsvText(const std::string& text) {
  const std::string safe = WithoutFormulas(SafeText(text));
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  std::string quoted = "\"";
  for (char letter : safe) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

}  // namespace laptime::client
