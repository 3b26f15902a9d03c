#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's
class App;
}  // namespace CLI

// What laptime-server and laptime-agent do alike with the words they are started with; `laptime`
// has a larger grammar, and its own way (client/command_line.h).
namespace laptime {

inline constexpr int kUsageExit = 2;

// What a program says instead of doing something.
struct ProgramReply {
  int exit_code = 0;
  std::string out{};    // for standard output
  std::string error{};  // for standard error
};

// The value of an environment variable; "" where it is not set.
std::string Environment(const char* name);

// "error: …\nhint: …\n", without the second line where `status` has no hint.
std::string ErrorLines(const absl::Status& status);

// Lets `app`, which has the program's name, read the words. Nothing: they were understood. Else the
// help that was asked for, or one line of what is wrong and one of what was probably meant.
std::optional<ProgramReply> ReadWords(CLI::App& app, int argc, const char* const* argv);

}  // namespace laptime
