#include "client/csv.h"

#include "client/text.h"
#include "proto/support/workload_spec.h"

namespace laptime::client {

std::string CsvText(const std::string& text) {
  std::string safe = SafeText(text);
  const bool formula = !safe.empty() && std::string("=+-@").find(safe[0]) != std::string::npos;
  if (formula && !ParseNumber(safe)) safe.insert(0, 1, '\'');
  if (safe.find_first_of(",\"\n\r") == std::string::npos) return safe;
  std::string quoted = "\"";
  for (char letter : safe) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + '"';
}

}  // namespace laptime::client
