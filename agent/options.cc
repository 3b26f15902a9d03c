#include "agent/options.h"

#include <CLI/CLI.hpp>

#include "agent/host_facts.h"
#include "agent/state_dir.h"
#include "proto/support/program_words.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

// $VARIABLE, or HOME/FALLBACK.
std::filesystem::path UserDir(const char* variable, const char* fallback) {
  const std::string named = Environment(variable);
  return named.empty() ? std::filesystem::path(Environment("HOME")) / fallback
                       : std::filesystem::path(named);
}

// As typed: the flags, then what the LAPTIME_* variables say of the rest.
struct Typed {
  std::string server, name, state, data, config, stall_timeout, probe_after, dataset, device,
      token_file;
  std::string url = kOfficialUrl;
  std::string machine_lock;
  bool run_in_parallel = false, once = false, official = false, if_needed = false;
  int parent_pid = 0;
  std::string log_level = "info";
};

// A flag that a variable may say too. Not CLI11's own way: it reads the variables of every command,
// and where two share a flag the other's would win over what was typed.
void AddNamed(CLI::App& command, const std::string& flag, std::string& value,
              const std::string& variable, const std::string& what) {
  command.add_option(flag, value, what + " (Env:" + variable + ")");
}

// What was not typed, from the variables.
void ReadVariables(Typed& typed) {
  const std::pair<std::string*, const char*> named[] = {
      {&typed.server, "LAPTIME_SERVER"},
      {&typed.name, "LAPTIME_NAME"},
      {&typed.state, "LAPTIME_STATE"},
      {&typed.data, "LAPTIME_DATA"},
      {&typed.stall_timeout, "LAPTIME_STALL_TIMEOUT"},
      {&typed.probe_after, "LAPTIME_PROBE_AFTER"},
      {&typed.machine_lock, "LAPTIME_MACHINE_LOCK"}};
  for (const auto& [value, variable] : named) {
    if (value->empty()) *value = Environment(variable);
  }
  if (typed.machine_lock.empty()) typed.machine_lock = kMachineLockPath;
}

void AddState(CLI::App& command, Typed& typed) {
  AddNamed(command, "--state", typed.state, "LAPTIME_STATE",
           "directory of what survives the agent");
}

void AddConfig(CLI::App& command, Typed& typed) {
  command.add_option("--config", typed.config, "the configuration file");
}

void AddMachineLock(CLI::App& command, Typed& typed) {
  AddNamed(command, "--machine-lock", typed.machine_lock, "LAPTIME_MACHINE_LOCK",
           "the file whose lock lets one run at a time train on this machine");
}

void AddProbe(CLI::App& probe, Typed& typed) {
  probe.add_option("--device", typed.device, "the only device to probe, like cuda:0");
  AddState(probe, typed);
  AddConfig(probe, typed);
  AddMachineLock(probe, typed);
}

void AddServer(CLI::App& command, Typed& typed) {
  AddNamed(command, "--server", typed.server, "LAPTIME_SERVER", "the coordinator's ADDRESS:PORT");
}

void AddJoin(CLI::App& join, Typed& typed) {
  AddServer(join, typed);
  join.add_option("--token-file", typed.token_file,
                  "the file with the token of `laptime token create --role agent`; - = standard "
                  "input")
      ->required();
  join.add_flag("--if-needed", typed.if_needed,
                "do nothing where this machine has joined, or where there is no such file");
  AddState(join, typed);
  AddConfig(join, typed);
}

void AddRun(CLI::App& run, Typed& typed) {
  AddServer(run, typed);
  AddNamed(run, "--name", typed.name, "LAPTIME_NAME", "this host's name (default: the machine's)");
  AddState(run, typed);
  AddNamed(run, "--data", typed.data, "LAPTIME_DATA", "directory of the data sets");
  AddConfig(run, typed);
  AddNamed(run, "--stall-timeout", typed.stall_timeout, "LAPTIME_STALL_TIMEOUT",
           "silence after which a trainer is killed, like 10m");
  AddNamed(run, "--probe-after", typed.probe_after, "LAPTIME_PROBE_AFTER",
           "probe devices whose software is new when the machine is free after so long, like "
           "1m; off = never");
  AddMachineLock(run, typed);
  run.add_flag("--run-in-parallel", typed.run_in_parallel,
               "allow several runs at a time on this machine");
  run.add_flag("--once", typed.once, "end after one attempt has ended and is acknowledged");
  run.add_option("--parent-pid", typed.parent_pid, "stop when that process is gone");
  run.add_option("--log-level", typed.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
}

void AddData(CLI::App& data, Typed& typed) {
  CLI::App* fetch = data.add_subcommand("fetch", "download, verify and unpack a data set");
  CLI::App* check = data.add_subcommand("check", "say what is there");
  for (CLI::App* verb : {fetch, check}) {
    verb->add_option("dataset", typed.dataset, "cifar10")->check(CLI::IsMember({"cifar10"}));
    AddNamed(*verb, "--data", typed.data, "LAPTIME_DATA", "directory of the data sets");
    AddConfig(*verb, typed);
  }
  fetch->add_option("--url", typed.url, "another place of the official archive");
  check->add_flag("--official", typed.official, "fail unless it came from the official archive");
  data.require_subcommand(1);
}

absl::StatusOr<ConfigFile> FindConfig(const std::string& named) {
  if (!named.empty()) {
    if (std::error_code error; !std::filesystem::is_regular_file(named, error)) {
      return WithHint(absl::StatusCode::kInvalidArgument, "there is no configuration file " + named,
                      "--config names an existing TOML file");
    }
    return ReadConfigFile(named);
  }
  const auto usual = UserDir("XDG_CONFIG_HOME", ".config") / "laptime" / "agent.toml";
  std::error_code error;
  if (!std::filesystem::is_regular_file(usual, error)) return ConfigFile();
  return ReadConfigFile(usual);
}

std::string FirstOf(const std::string& typed, const std::optional<std::string>& configured,
                    const std::string& otherwise) {
  return !typed.empty() ? typed : configured.value_or(otherwise);
}

std::string DataDir(const Typed& typed, const ConfigFile& config) {
  return FirstOf(typed.data, config.data,
                 (UserDir("XDG_DATA_HOME", ".local/share") / "laptime").string());
}

// Leaves `duration` as it is where nothing was typed. `or_else`: what the flag takes besides.
absl::Status ReadDuration(const std::string& flag, const std::string& typed,
                          std::chrono::milliseconds& duration, const std::string& or_else = "") {
  if (typed.empty()) return absl::OkStatus();
  const auto read = ParseDuration(typed);
  if (!read) {
    return WithHint(absl::StatusCode::kInvalidArgument, flag + ": '" + typed + "' is no duration",
                    flag + " takes a number and ms, s, m or h, like 10m" + or_else);
  }
  duration = *read;
  return absl::OkStatus();
}

absl::StatusOr<RunOptions> MergeRun(const Typed& typed, const ConfigFile& config) {
  RunOptions run;
  run.server = typed.server.empty() ? config.server : typed.server;
  run.name = FirstOf(typed.name, config.name, ShortHostName());
  run.state_dir = FirstOf(typed.state, config.state, DefaultStateDir().string());
  run.data_dir = DataDir(typed, config);
  run.run_in_parallel = typed.run_in_parallel || config.run_in_parallel.value_or(false);
  run.stall_timeout = config.stall_timeout.value_or(run.stall_timeout);
  run.machine_lock = typed.machine_lock;
  run.devices = config.devices;
  run.once = typed.once;
  run.parent_pid = typed.parent_pid;
  run.log_level = typed.log_level;
  LAPTIME_RETURN_IF_ERROR(ReadDuration("--stall-timeout", typed.stall_timeout, run.stall_timeout));
  run.probe_by_itself = typed.probe_after != "off";
  if (run.probe_by_itself)
    LAPTIME_RETURN_IF_ERROR(
        ReadDuration("--probe-after", typed.probe_after, run.probe_after, ", or off"));
  if (!IsSafeName(run.name)) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "--name: '" + run.name + "' cannot name a host",
                    "a name has 1 to 64 letters, digits and ._:-");
  }
  return run;
}

absl::Status Merge(const Typed& typed, ParsedCommand& parsed) {
  auto config = FindConfig(typed.config);
  if (!config.ok()) return config.status();
  auto run = MergeRun(typed, *config);
  if (!run.ok()) return run.status();
  parsed.run = *std::move(run);
  parsed.join = {parsed.run.server.value_or(kDefaultServer), parsed.run.state_dir, typed.token_file,
                 typed.if_needed};
  parsed.probe = {parsed.run.state_dir, typed.machine_lock, config->devices, typed.device};
  parsed.data.data_dir = DataDir(typed, *config);
  parsed.data.official = typed.official;
  parsed.data.url = typed.url;
  return absl::OkStatus();
}

}  // namespace

ParsedCommand ParseCommandLine(int argc, const char* const* argv) {
  ParsedCommand parsed;
  Typed typed;
  CLI::App app{"laptime-agent: offers this machine's devices to a coordinator and trains there",
               "laptime-agent"};
  app.require_subcommand(1);
  CLI::App* run = app.add_subcommand("run", "serve a coordinator until SIGTERM or Ctrl-C");
  CLI::App* join = app.add_subcommand("join", "make this machine one of a coordinator's");
  CLI::App* data = app.add_subcommand("data", "the data sets on this machine");
  CLI::App* version = app.add_subcommand("version", "print the version");
  CLI::App* probe =
      app.add_subcommand("probe", "measure what this machine's devices can do, a minute each");
  AddRun(*run, typed);
  AddJoin(*join, typed);
  AddProbe(*probe, typed);
  AddData(*data, typed);
  if (std::optional<ProgramReply> reply = ReadWords(app, argc, argv)) {
    static_cast<ProgramReply&>(parsed) = *std::move(reply);
    return parsed;
  }
  if (version->parsed()) {
    parsed.out = std::string("laptime-agent ") + kVersion + "\n";
    return parsed;
  }
  ReadVariables(typed);
  if (absl::Status status = Merge(typed, parsed); !status.ok()) {
    parsed.exit_code = kUsageExit;
    parsed.error = ErrorLines(status);
    return parsed;
  }
  parsed.verb = run->parsed()                             ? ParsedCommand::Verb::kRun
                : join->parsed()                          ? ParsedCommand::Verb::kJoin
                : probe->parsed()                         ? ParsedCommand::Verb::kProbe
                : data->get_subcommand("fetch")->parsed() ? ParsedCommand::Verb::kDataFetch
                                                          : ParsedCommand::Verb::kDataCheck;
  return parsed;
}

}  // namespace laptime::agent
