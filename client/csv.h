#pragma once

#include <string>

namespace laptime::client {

// A text as a csv field: quoted as RFC 4180 says where it must be, control characters neutralised;
// one that a spreadsheet would run as a formula gets a leading apostrophe. Numbers are no texts and
// need none of this.
std::string CsvText(const std::string& text);

}  // namespace laptime::client
