#include "agent/options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "agent/host_facts.h"
#include "agent/state_dir.h"
#include "proto/support/nearest.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr int kUsage = 2;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// $VARIABLE, or HOME/FALLBACK.
std::filesystem::path UserDir(const char* variable, const char* fallback) {
  const std::string named = Environment(variable);
  return named.empty() ? std::filesystem::path(Environment("HOME")) / fallback
                       : std::filesystem::path(named);
}

// As typed: the flags and the LAPTIME_* variables, which CLI11 reads as their defaults.
struct Typed {
  std::string server, name, state, data, config, stall_timeout, probe_after, url = kOfficialUrl,
                                                                             dataset, device;
  std::string machine_lock = kMachineLockPath;
  bool run_in_parallel = false, once = false, official = false;
  int parent_pid = 0;
  std::string log_level = "info";
};

void AddState(CLI::App& command, Typed& typed) {
  command.add_option("--state", typed.state, "directory of what survives the agent")
      ->envname("LAPTIME_STATE");
}

void AddConfig(CLI::App& command, Typed& typed) {
  command.add_option("--config", typed.config, "the configuration file");
}

void AddMachineLock(CLI::App& command, Typed& typed) {
  command
      .add_option("--machine-lock", typed.machine_lock,
                  "the file whose lock lets one run at a time train on this machine")
      ->envname("LAPTIME_MACHINE_LOCK");
}

void AddProbe(CLI::App& probe, Typed& typed) {
  probe.add_option("--device", typed.device, "the only device to probe, like cuda:0");
  AddState(probe, typed);
  AddConfig(probe, typed);
  AddMachineLock(probe, typed);
}

void AddRun(CLI::App& run, Typed& typed) {
  run.add_option("--server", typed.server, "the coordinator's ADDRESS:PORT")
      ->envname("LAPTIME_SERVER");
  run.add_option("--name", typed.name, "this host's name (default: the machine's)")
      ->envname("LAPTIME_NAME");
  AddState(run, typed);
  run.add_option("--data", typed.data, "directory of the data sets")->envname("LAPTIME_DATA");
  AddConfig(run, typed);
  run.add_option("--stall-timeout", typed.stall_timeout,
                 "silence after which a trainer is killed, like 10m")
      ->envname("LAPTIME_STALL_TIMEOUT");
  run.add_option("--probe-after", typed.probe_after,
                 "probe devices whose software is new when the machine is free after so long, like "
                 "1m; off = never")
      ->envname("LAPTIME_PROBE_AFTER");
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
    verb->add_option("--data", typed.data, "directory of the data sets")->envname("LAPTIME_DATA");
    AddConfig(*verb, typed);
  }
  fetch->add_option("--url", typed.url, "another place of the official archive");
  check->add_flag("--official", typed.official, "fail unless it came from the official archive");
  data.require_subcommand(1);
}

void CollectNames(const CLI::App& app, std::vector<std::string>& names) {
  for (const CLI::App* part : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(part->get_name());
    for (const CLI::Option* option : part->get_options()) names.push_back(option->get_name());
    CollectNames(*part, names);
  }
}

// CLI11's message as one line, with what was probably meant.
std::string OneLine(const CLI::App& app, const std::string& message, int argc,
                    const char* const* argv) {
  const std::string text = "error: " + message.substr(0, message.find('\n')) + "\nhint: ";
  std::vector<std::string> known;
  CollectNames(app, known);
  for (int i = 1; i < argc; ++i) {
    // Of a wrong command CLI11 says only that one is missing.
    const bool named = i == 1 || message.find(argv[i]) != std::string::npos;
    if (!named || std::ranges::find(known, argv[i]) != known.end()) continue;
    if (auto nearest = Nearest(argv[i], known); nearest) {
      return text + "did you mean '" + *nearest + "'?\n";
    }
  }
  return text + "laptime-agent --help\n";
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
  run.server = FirstOf(typed.server, config.server, kDefaultServer);
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
  CLI::App app{"laptime-agent: offers this machine's devices to a coordinator and trains there"};
  app.require_subcommand(1);
  CLI::App* run = app.add_subcommand("run", "serve a coordinator until SIGTERM or Ctrl-C");
  CLI::App* data = app.add_subcommand("data", "the data sets on this machine");
  CLI::App* version = app.add_subcommand("version", "print the version");
  CLI::App* probe =
      app.add_subcommand("probe", "measure what this machine's devices can do, a minute each");
  AddRun(*run, typed);
  AddProbe(*probe, typed);
  AddData(*data, typed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out, errors;
    if (error.get_exit_code() == 0) {
      app.exit(error, out, errors);
      parsed.out = out.str();
    } else {
      parsed.exit_code = kUsage;
      parsed.error = OneLine(app, error.what(), argc, argv);
    }
    return parsed;
  }
  if (version->parsed()) {
    parsed.out = std::string("laptime-agent ") + kVersion + "\n";
    return parsed;
  }
  if (absl::Status status = Merge(typed, parsed); !status.ok()) {
    parsed.exit_code = kUsage;
    parsed.error = "error: " + MessageOf(status) + "\nhint: " + HintOf(status) + "\n";
    return parsed;
  }
  parsed.verb = run->parsed()                             ? ParsedCommand::Verb::kRun
                : probe->parsed()                         ? ParsedCommand::Verb::kProbe
                : data->get_subcommand("fetch")->parsed() ? ParsedCommand::Verb::kDataFetch
                                                          : ParsedCommand::Verb::kDataCheck;
  return parsed;
}

}  // namespace laptime::agent
