#pragma once

#include <string>
#include <vector>

namespace laptime::testing {

// A text that would do harm where it is taken for more than text.
struct Payload {
  std::string family;
  std::string text;
};

// For SQL; `outside` is a directory in which nothing may appear.
std::vector<Payload> SqlPayloads(const std::string& outside);
// For file systems and shells.
std::vector<Payload> PathPayloads(const std::string& outside);
// For terminals, spreadsheets and browsers.
std::vector<Payload> OutputPayloads();

}  // namespace laptime::testing
