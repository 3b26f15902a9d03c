#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/config_file.h"
#include "agent/data_fetch.h"
#include "agent/machine_lock.h"
#include "agent/silence.h"
#include "proto/support/channel.h"
#include "proto/support/program_words.h"

namespace laptime::agent {

struct RunOptions {
  std::optional<std::string> server;  // nothing was said: that of the identity, or kDefaultServer
  std::string name;                   // of this host
  std::filesystem::path state_dir;
  std::filesystem::path data_dir;
  bool run_in_parallel = false;
  std::string machine_lock = kMachineLockPath;
  std::chrono::milliseconds stall_timeout = kStallTimeout;
  std::vector<ConfiguredDevice> devices;
  bool probe_by_itself = true;
  std::chrono::milliseconds probe_after = std::chrono::minutes(1);
  bool once = false;
  int parent_pid = 0;  // 0 = none; else stop in good order when that process is gone
  std::string log_level = "info";
};

struct JoinOptions {
  std::string server = kDefaultServer;
  std::filesystem::path state_dir;
  std::string token_file;  // "-" = standard input
  bool if_needed = false;  // do nothing on a machine that has joined, or that has no token
};

struct ProbeOptions {
  std::filesystem::path state_dir;
  std::string machine_lock = kMachineLockPath;
  std::vector<ConfiguredDevice> devices;
  std::string device;  // the only one to probe; empty: all
};

struct DataOptions {
  std::filesystem::path data_dir;
  bool official = false;           // check: fail unless it is
  std::string url = kOfficialUrl;  // fetch
};

// What a command line meant: something to do, or a text to print and the exit code.
struct ParsedCommand : ProgramReply {
  enum class Verb { kNone, kRun, kJoin, kProbe, kDataFetch, kDataCheck };
  Verb verb = Verb::kNone;
  RunOptions run;
  JoinOptions join;
  ProbeOptions probe;
  DataOptions data;
};

// Reads `laptime-agent …`: flags win over LAPTIME_* variables, these over the configuration file,
// that over defaults.
ParsedCommand ParseCommandLine(int argc, const char* const* argv);

}  // namespace laptime::agent
