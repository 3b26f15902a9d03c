#pragma once

#include <string>

#include "proto/support/program_words.h"
#include "server/coordinator_server.h"
#include "server/security/initialise.h"

namespace laptime {

struct ServerCommand {
  CoordinatorServerOptions server;
  std::string log_level = "info";
  int parent_pid = 0;  // 0 = none; else stop in good order when that process is gone
};

// What a command line meant: something to do, or a text to print and the exit code.
struct ParsedCommand : ProgramReply {
  enum class Verb { kNone, kServe, kInit };
  Verb verb = Verb::kNone;
  ServerCommand command;
  InitOptions init;
};

// Reads `laptime-server …`; flags win over LAPTIME_LISTEN and LAPTIME_STATE, these over the
// defaults.
ParsedCommand ParseCommandLine(int argc, const char* const* argv);

// $XDG_STATE_HOME/laptime, or ~/.local/state/laptime.
std::string DefaultStateDir();

}  // namespace laptime
