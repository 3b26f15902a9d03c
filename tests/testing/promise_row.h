#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

namespace laptime::testing {

// What came of trying one thing many times.
struct Tried {
  int64_t tried = 0;
  int64_t survived = 0;
  int64_t lost = 0;     // acknowledged things that are gone; effects that must not be
  int64_t doubled = 0;  // things that are there twice, or that nobody reported
};

// A row of the table of promises (tests/promises): on standard output, and at the end of the file
// that LAPTIME_PROMISES names.
inline void PrintPromiseRow(const std::string& row) {
  std::cout << row << std::endl;
  const char* const table = std::getenv("LAPTIME_PROMISES");
  if (table != nullptr && *table != '\0') std::ofstream(table, std::ios::app) << row << "\n";
}

// "C5   10000 tried  10000 survived  0 lost  0 doubled  power cuts of the coordinator". An id that
// ends in " ctrl" is a control, which must lose.
inline void PrintTried(const std::string& id, const std::string& what, const Tried& counts) {
  char row[256];
  std::snprintf(row, sizeof(row), "%-8s %7lld tried %7lld survived %5lld lost %5lld doubled  %s",
                id.c_str(), static_cast<long long>(counts.tried),
                static_cast<long long>(counts.survived), static_cast<long long>(counts.lost),
                static_cast<long long>(counts.doubled), what.c_str());
  PrintPromiseRow(row);
}

// Of `tried` things so many went wrong.
inline void PrintTried(const std::string& id, const std::string& what, int64_t tried,
                       int64_t wrong) {
  PrintTried(id, what,
             Tried{.tried = tried, .survived = wrong == 0 ? tried : tried - wrong, .lost = wrong});
}

}  // namespace laptime::testing
