#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/options.h"

namespace laptime::client {

class Session;

// A command line, understood: what to do, and the flags that hold for every command.
struct CommandLine {
  GlobalOptions global;
  // Runs the command; its exit code. Empty when `help` is to be shown instead.
  std::function<int(Session&)> run;
  std::string help;
};

// `words` are the arguments without the program's name. kInvalidArgument says what is wrong with
// them in one line, with the nearest command or flag as the hint. Does nothing but read the words.
absl::StatusOr<CommandLine> ParseCommandLine(const std::vector<std::string>& words);

}  // namespace laptime::client
