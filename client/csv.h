#pragma once

#include <string>

namespace laptime::client {

// A text as a csv field: quoted as RFC 4180 says where it must be, control characters neutralised;
// what a spreadsheet would run as a formula gets an apostrophe before it, also after a semicolon,
// at which spreadsheets of many countries split. Plain numbers, negative ones too, stay as they
// are.
std::string CsvText(const std::string& text);

}  // namespace laptime::client
