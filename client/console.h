#pragma once

#include <iosfwd>

namespace laptime::client {

// Where a command reads and writes, and what stands there. A value; the streams must outlive it.
struct Console {
  std::ostream& out;  // data
  std::ostream& err;  // words
  std::istream& in;
  bool out_terminal = false;
  bool err_terminal = false;
  bool in_terminal = false;
};

// Size of the terminal on standard error, asked anew each time because people resize windows.
struct TerminalSize {
  int columns = 80;
  int rows = 24;
};
TerminalSize CurrentTerminalSize();

// The process's own streams.
Console ProcessConsole();

}  // namespace laptime::client
