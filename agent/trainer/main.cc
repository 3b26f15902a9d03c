#include <ATen/Parallel.h>

#include <map>
#include <string>
#include <variant>

#include "agent/trainer/command_line.h"
#include "agent/trainer/contract.h"
#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/event_writer.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/probe/probe_command.h"
#include "agent/trainer/process_setup.h"
#include "agent/trainer/run_to_end.h"
#include "agent/trainer/train_command.h"

namespace laptime::trainer {
namespace {

using Flags = std::map<std::string, std::string>;

int Run(const TrainOptions& options, const Flags& flags) { return RunTrainCommand(options, flags); }

int Run(const ProbeOptions& options, const Flags&) { return RunProbeCommand(options); }

// The other commands: data on standard output, errors for people alone.
template <typename Options>
int Run(const Options& options, const Flags&) {
  at::set_num_threads(UsableCores());
  EventWriter lines(TakeStandardOutput());
  const auto failure = RunToEnd("cpu", [&] { Answer(options, lines); });
  if (!failure.has_value()) return kExitOk;
  Tell(*failure);
  return failure->exit_code;
}

int Run(int exit_code, const Flags&) { return exit_code; }

int Main(int argc, char** argv, const Flags& process_flags) {
  return std::visit([&](const auto& command) { return Run(command, process_flags); },
                    ParseCommandLine(argc, argv));
}

}  // namespace
}  // namespace laptime::trainer

int main(int argc, char** argv) {
  // First of all: what was allocated before is not under the new rules.
  const std::string allocator = laptime::trainer::KeepFreedMemory();
  std::map<std::string, std::string> flags = laptime::trainer::PrepareEnvironment(argv);
  flags["allocator"] = allocator;
  return laptime::trainer::Main(argc, argv, flags);
}
