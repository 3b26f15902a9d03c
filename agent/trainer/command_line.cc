#include "agent/trainer/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <utility>
#include <vector>

#include "agent/trainer/contract.h"

namespace laptime::trainer {
namespace {

using nlohmann::json;

constexpr int kMaxThreads = 4096;
constexpr int kMaxImages = 1 << 20;
constexpr char kUsageHint[] =
    "laptime-trainer --help lists the commands, laptime-trainer COMMAND --help its options";
constexpr char kFlagRank[] = "--rank";  // the trainer starts itself with these two
constexpr char kFlagMeeting[] = "--meeting";
constexpr char kForRanks[] = "";  // not shown
constexpr char kForComparison[] = "Commands for the comparison with the reference";

// Every command's options; the command line fills those of one.
struct AllOptions {
  TrainOptions train;
  ProbeOptions probe;
  std::vector<std::string> settings;  // of train, as typed
  ReplayOptions replay;
  AugmentOptions augment;
  FeaturesOptions features;
  VoteOptions knn;
  DrawsOptions draws;
  InitOptions init;
};

// A command of the program; when it is the one that was typed, `chosen` becomes its options.
template <typename Options>
CLI::App& AddCommand(CLI::App& app, const char* name, const char* summary, const Options& options,
                     Command& chosen) {
  CLI::App& command = *app.add_subcommand(name, summary);
  command.callback([&options, &chosen] { chosen = options; });
  return command;
}

void AddInput(CLI::App& command, std::string& file) {
  command.add_option("FILE", file, "torch.save of a dict of tensors")->required();
}

void AddOutput(CLI::App& command, std::string& file) {
  command.add_option("--output", file, "the file to write, for torch.load")->required();
}

void AddMemoryFormat(CLI::App& command, std::string& name, std::vector<std::string> names) {
  command.add_option(kFlagMemoryFormat, name, "how images lie in memory")
      ->check(CLI::IsMember(std::move(names)))
      ->capture_default_str();
}

void AddSeed(CLI::App& command, uint64_t& seed) {
  command.add_option("--seed", seed, "the run's seed")->capture_default_str();
}

void AddComparisons(CLI::App& app, AllOptions& options, Command& chosen) {
  CLI::App& replay = AddCommand(app, "replay", "train on the views in FILE, a line a step",
                                options.replay, chosen);
  AddInput(replay, options.replay.file);
  replay.add_option("--save-state", options.replay.save_state, "where to write the final state");
  AddMemoryFormat(replay, options.replay.memory_format, {kChannelsLast, kContiguous});
  replay.add_option("--precision", options.replay.precision, "fp32: as the state is")
      ->check(CLI::IsMember({kFullPrecision, kBfloat16Precision}))
      ->capture_default_str();
  CLI::App& augment = AddCommand(app, "augment", "make views of the images and draws in FILE",
                                 options.augment, chosen);
  AddInput(augment, options.augment.file);
  AddOutput(augment, options.augment.output);
  CLI::App& features =
      AddCommand(app, "features", "the features of the images in FILE", options.features, chosen);
  AddInput(features, options.features.file);
  AddOutput(features, options.features.output);
  AddMemoryFormat(features, options.features.memory_format, {kChannelsLast, kContiguous});
  CLI::App& knn = AddCommand(app, "knn", "classify the features in FILE", options.knn, chosen);
  AddInput(knn, options.knn.file);
  CLI::App& draws = AddCommand(app, "draws", "what an epoch of a run draws", options.draws, chosen);
  AddOutput(draws, options.draws.output);
  AddSeed(draws, options.draws.seed);
  draws.add_option("--epoch", options.draws.epoch, "counted from 1")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  draws.add_option("--images", options.draws.images, "images of the data set, two views each")
      ->check(CLI::Range(1, kMaxImages))
      ->capture_default_str();
  CLI::App& init =
      AddCommand(app, "init", "the state that a run starts with", options.init, chosen);
  AddOutput(init, options.init.output);
  AddSeed(init, options.init.seed);
  for (CLI::App* command : {&replay, &augment, &features, &knn, &draws, &init})
    command->group(kForComparison);
}

void AddDevice(CLI::App& command, std::string& device) {
  command.add_option(kFlagDevice, device, "cpu, cuda:N or mps")->capture_default_str();
}

void AddThreads(CLI::App& command, std::optional<int>& threads, const std::string& otherwise) {
  command.add_option(kFlagThreads, threads, "CPU threads; default: " + otherwise)
      ->check(CLI::Range(1, kMaxThreads));
}

void AddParent(CLI::App& command, std::optional<pid_t>& pid, std::optional<int>& pipe) {
  command.add_option(kFlagParentPid, pid, "die with this parent process (Linux)");
  command.add_option(kFlagParentPipe, pipe, "die when this descriptor reaches its end");
}

void AddProbe(CLI::App& probe, ProbeOptions& options) {
  AddDevice(probe, options.device);
  AddThreads(probe, options.threads, "the physical cores");
  AddParent(probe, options.parent_pid, options.parent_pipe);
}

void AddTrain(CLI::App& train, TrainOptions& options, std::vector<std::string>& settings) {
  CLI::Option* config = train.add_option(kFlagConfig, options.config_file,
                                         "workload and configuration as a JSON file");
  train.add_option(kFlagWorkload, options.workload, "a preset, e.g. simclr-cifar10")
      ->excludes(config);
  train
      .add_option(kFlagSet, settings,
                  "KEY=VALUE, may be repeated: differs from the preset in this key")
      ->excludes(config)
      ->allow_extra_args(false);
  AddDevice(train, options.device);
  train.add_option(kFlagCheckpoint, options.checkpoint,
                   "go on from this file if it is there, and keep it up to date");
  train
      .add_option(kFlagResumeAtMost, options.resume_at_most,
                  "do not go on from a checkpoint of more epochs than this")
      ->check(CLI::NonNegativeNumber);
  train.add_option(kFlagData, options.data_dir, "directory that holds cifar-10-batches-bin");
  AddThreads(train, options.threads, "the physical cores, or what is measured to be faster");
  AddMemoryFormat(train, options.memory_format, {kAutomatic, kChannelsLast, kContiguous});
  AddParent(train, options.parent_pid, options.parent_pipe);
  CLI::Option* meeting =
      train.add_option(kFlagMeeting, options.meeting, "where the ranks meet")->group(kForRanks);
  train.add_option(kFlagRank, options.rank, "which of several devices this is")
      ->check(CLI::PositiveNumber)
      ->needs(meeting)
      ->group(kForRanks);
}

int Refuse(const std::string& message, const std::string& hint) {
  std::fprintf(stderr, "error: %s\nhint: %s\n", message.c_str(), hint.c_str());
  return kExitUsage;
}

SpecError BadFile(const std::string& file, const std::string& why) {
  return {"cannot read the configuration " + file + ": " + why,
          R"(it must hold {"workload":NAME,"config":{KEY:VALUE,…}})"};
}

// `options` with its settings taken apart, or kExitUsage.
Command Completed(TrainOptions options, const std::vector<std::string>& settings) {
  for (const std::string& setting : settings) {
    const size_t equals = setting.find('=');
    if (equals == std::string::npos)
      return Refuse("--set " + setting + ": no '=' in it", "--set takes KEY=VALUE");
    options.settings[setting.substr(0, equals)] = setting.substr(equals + 1);
  }
  if (options.config_file.empty() && options.workload.empty()) {
    return Refuse("neither --workload nor --config was given",
                  "e.g. --workload simclr-synthetic-cifar10");
  }
  return options;
}

}  // namespace

Command ParseCommandLine(int argc, char** argv) {
  AllOptions options;
  Command chosen;
  CLI::App app(
      "Trains one workload on one device; events on standard output, words on standard error.",
      kProgram);
  app.set_version_flag("--version", std::string("laptime-trainer ") + LAPTIME_VERSION);
  app.require_subcommand(1);
  AddTrain(AddCommand(app, kCommandTrain, "train and measure", options.train, chosen),
           options.train, options.settings);
  AddProbe(AddCommand(app, kCommandProbe, "measure what a device can do, in a minute",
                      options.probe, chosen),
           options.probe);
  AddComparisons(app, options, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return Refuse(error.what(), kUsageHint);
  }
  if (std::holds_alternative<TrainOptions>(chosen))
    return Completed(std::get<TrainOptions>(chosen), options.settings);
  return chosen;
}

std::vector<std::string> ToArguments(const TrainOptions& options) {
  std::vector<std::string> words = {kCommandTrain};
  const auto add = [&words](const char* flag, const std::string& value) {
    if (value.empty()) return;
    words.emplace_back(flag);
    words.push_back(value);
  };
  const auto add_number = [&add](const char* flag, const auto& number) {
    if (number.has_value()) add(flag, std::to_string(*number));
  };
  add(kFlagConfig, options.config_file);
  add(kFlagWorkload, options.workload);
  for (const auto& [key, value] : options.settings) {
    std::string setting = key;
    setting += '=';
    add(kFlagSet, setting + value);
  }
  add(kFlagDevice, options.device);
  add(kFlagData, options.data_dir);
  add(kFlagCheckpoint, options.checkpoint);
  add_number(kFlagResumeAtMost, options.resume_at_most);
  add_number(kFlagThreads, options.threads);
  add(kFlagMemoryFormat, options.memory_format);
  add_number(kFlagParentPid, options.parent_pid);
  add_number(kFlagParentPipe, options.parent_pipe);
  if (options.rank > 0) add(kFlagRank, std::to_string(options.rank));
  add_number(kFlagMeeting, options.meeting);
  return words;
}

std::variant<WorkloadSpec, SpecError> WorkloadOf(const TrainOptions& options) {
  if (options.config_file.empty()) return ResolveWorkload(options.workload, options.settings);
  std::ifstream stream(options.config_file);
  if (!stream) return BadFile(options.config_file, "it cannot be opened");
  const json document = json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("config"))
    return BadFile(options.config_file, "it is no such JSON");
  const json name = document.value("workload", json(""));
  if (!name.is_string()) return BadFile(options.config_file, "the workload's name is no text");
  return ResolveConfig(name.get<std::string>(), document.at("config"));
}

}  // namespace laptime::trainer
