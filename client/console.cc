#include "client/console.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>

namespace laptime::client {

TerminalSize CurrentTerminalSize() {
  TerminalSize size;
  winsize window{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 && window.ws_row > 0) {
    size.columns = window.ws_col;
    size.rows = window.ws_row;
  }
  return size;
}

Console ProcessConsole() {
  return {std::cout,
          std::cerr,
          std::cin,
          isatty(STDOUT_FILENO) == 1,
          isatty(STDERR_FILENO) == 1,
          isatty(STDIN_FILENO) == 1};
}

}  // namespace laptime::client
