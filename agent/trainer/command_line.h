#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/trainer/layout.h"
#include "proto/support/workload_spec.h"

namespace laptime::trainer {

// Names of precisions: the state's own type, and autocast.
inline constexpr char kFullPrecision[] = "fp32";
inline constexpr char kBfloat16Precision[] = "bf16";

// The memory format that the trainer chooses itself; the others are channels_last and contiguous.
inline constexpr char kAutomatic[] = "auto";

// `laptime-trainer train …` as typed.
struct TrainOptions {
  std::string config_file;  // instead of workload and settings
  std::string workload;
  std::map<std::string, std::string> settings;
  std::string device = "cpu";
  std::string data_dir;
  std::string checkpoint;
  std::optional<int> resume_at_most;
  std::optional<int> threads;
  std::string memory_format = kAutomatic;
  std::optional<pid_t> parent_pid;
  std::optional<int> parent_pipe;
  int rank = 0;                // further ranks are started by rank 0
  std::optional<int> meeting;  // of a further rank: an inherited descriptor

  bool operator==(const TrainOptions&) const = default;
};

// What ParseCommandLine makes these options of, without the program's name.
std::vector<std::string> ToArguments(const TrainOptions& options);

// `laptime-trainer probe [--device NAME] [--threads N]`: what the device can do, measured.
struct ProbeOptions {
  std::string device = "cpu";
  std::optional<int> threads;
  std::optional<pid_t> parent_pid;
  std::optional<int> parent_pipe;
};

// What follows is there to be compared with the reference: files of tensors in, files or lines out.
// tests/parity/README.md has the formats.

// `laptime-trainer replay FILE [--save-state FILE] [--memory-format NAME] [--precision NAME]`:
// trains on given views.
struct ReplayOptions {
  std::string file;
  std::string save_state;  // empty: the final state is not kept
  std::string memory_format = kChannelsLast;
  std::string precision = kFullPrecision;
};

// `laptime-trainer augment FILE --output FILE`: makes views by given draws.
struct AugmentOptions {
  std::string file;
  std::string output;
};

// `laptime-trainer features FILE --output FILE [--memory-format NAME]`: what the kNN evaluation
// compares.
struct FeaturesOptions {
  std::string file;
  std::string output;
  std::string memory_format = kChannelsLast;
};

// `laptime-trainer knn FILE`: the vote alone.
struct VoteOptions {
  std::string file;
};

// `laptime-trainer draws --output FILE [--images N] [--seed N] [--epoch N]`: what an epoch of a run
// draws, its views and the order of its images.
struct DrawsOptions {
  std::string output;
  int images = 1000;
  uint64_t seed = 1;
  int epoch = 1;
};

// `laptime-trainer init --output FILE [--seed N]`: the state that a run starts with.
struct InitOptions {
  std::string output;
  uint64_t seed = 1;
};

// A command line that was understood, or the exit code of one that asks for nothing more.
using Command = std::variant<int, TrainOptions, ProbeOptions, ReplayOptions, AugmentOptions,
                             FeaturesOptions, VoteOptions, DrawsOptions, InitOptions>;

// Parses the command line. Help and version go to standard output and end as exit code 0, an error
// goes to standard error, one line and a hint, and ends as kExitUsage.
Command ParseCommandLine(int argc, char** argv);

// The workload that the options name.
std::variant<WorkloadSpec, SpecError> WorkloadOf(const TrainOptions& options);

}  // namespace laptime::trainer
