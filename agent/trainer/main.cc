#include <ATen/Parallel.h>
#include <unistd.h>

#include <map>
#include <string>
#include <variant>

#include "agent/trainer/checkpoint.h"
#include "agent/trainer/command_line.h"
#include "agent/trainer/config.h"
#include "agent/trainer/contract.h"
#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/dataset.h"
#include "agent/trainer/device.h"
#include "agent/trainer/event_writer.h"
#include "agent/trainer/events.h"
#include "agent/trainer/failure.h"
#include "agent/trainer/layout_probe.h"
#include "agent/trainer/log.h"
#include "agent/trainer/model.h"
#include "agent/trainer/parent_watch.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/precision.h"
#include "agent/trainer/process_clock.h"
#include "agent/trainer/process_setup.h"
#include "agent/trainer/run_to_end.h"
#include "agent/trainer/start_report.h"
#include "agent/trainer/stop_signal.h"
#include "agent/trainer/synthetic.h"
#include "agent/trainer/train_loop.h"

namespace laptime::trainer {
namespace {

using Flags = std::map<std::string, std::string>;

// Says why, to people and as an event; returns the exit code.
int Fail(EventWriter& events, const Failure& failure) {
  Tell(failure);
  events.Write("failed", ToJson(failure.cause, failure.message, failure.hint));
  return failure.exit_code;
}

TrainConfig MakeConfig(const TrainOptions& options, const WorkloadSpec& spec) {
  TrainConfig config;
  config.workload = TypedWorkload(spec);
  config.device = options.device;
  config.data_dir = options.data_dir;
  config.checkpoint = options.checkpoint;
  config.resume_at_most = options.resume_at_most;
  config.threads = options.threads;
  if (options.memory_format != kAutomatic)
    config.memory_format = PixelLayoutNamed(options.memory_format);
  return config;
}

// A checkpoint is of all that the configuration says, but for how the views are made.
Checkpoint CheckpointOf(const TrainConfig& config) {
  nlohmann::json identity = config.workload.spec.config;
  identity.erase("loader_workers");
  return {config.checkpoint, identity.dump()};
}

Dataset LoadDataset(const TrainConfig& config) {
  const Workload& workload = config.workload;
  if (workload.spec.synthetic())
    return GenerateSyntheticCifar10(workload.train_images, workload.eval_images);
  return ReadCifar10(config.data_dir, workload.train_images, workload.eval_images);
}

struct OpenedDevice {
  Device device;
  double probe_seconds = 0;  // to find the layout: once on a machine, so no part of the set-up
};

// With threads and layout as they will stay.
OpenedDevice OpenDevice(const TrainConfig& config, const Checkpoint& checkpoint, Flags& flags) {
  at::set_num_threads(config.threads.value_or(UsableCores()));
  at::set_num_interop_threads(1);
  const Device device = Device::Open(config.device);
  ApplyPrecision(config.workload.precision, device);
  if (!device.cpu()) return {config.memory_format ? device.With(*config.memory_format) : device};
  const double start = ProcessSeconds();
  const auto resumed = checkpoint.Peek();
  const LayoutChoice choice =
      FindLayout(config, device, resumed ? std::optional<Layout>(resumed->layout) : std::nullopt);
  at::set_num_threads(choice.layout.threads);
  flags["layout"] = choice.reason;
  return {device.With(choice.layout.pixels), ProcessSeconds() - start};
}

void Train(const TrainConfig& config, Flags flags, const StopSignal& stop, EventWriter& events) {
  const Checkpoint checkpoint = CheckpointOf(config);
  const auto [device, probe_seconds] = OpenDevice(config, checkpoint, flags);
  const Dataset data = LoadDataset(config);
  stop.Check();
  Model model(config.workload.seed);
  model.MoveTo(device.torch(), device.memory_format());
  TrainLoop loop(config.workload, data, device, model, checkpoint, events, stop);
  StartReport report = MakeStartReport(config, device, model, flags);
  report.resumed_epochs = loop.Resume(config.resume_at_most);
  Log(ToText(report));
  events.Write("started", ToJson(report));

  device.Synchronize();
  const double setup_seconds = ProcessSeconds() - probe_seconds;
  WarmUpResult warm_up = loop.WarmUp();
  warm_up.time_to_first_batch -= probe_seconds;
  warm_up.seconds += probe_seconds;
  events.Write("warmed_up", {{"setup_seconds", setup_seconds},
                             {"time_to_first_batch", warm_up.time_to_first_batch},
                             {"warm_up_seconds", warm_up.seconds}});
  Log("warmed up: set-up " + Decimals(setup_seconds, 2) + " s, first batch after " +
      Decimals(warm_up.time_to_first_batch, 2) + " s, warm-up and layout " +
      Decimals(warm_up.seconds, 2) + " s");
  FitResult fit = loop.Fit();
  fit.total_seconds = ProcessSeconds();
  Log(ToText(fit));
  events.Write("finished", ToJson(fit));
}

int Run(const TrainOptions& options, const Flags& process_flags) {
  EventWriter events(TakeStandardOutput());
  const StopSignal stop([&events] {
    _exit(Fail(events, {FailureCause::kInfrastructure, Stopped().what(), "", kExitStopped}));
  });
  const ParentWatch parent_watch(options.parent_pid, options.parent_pipe);
  const auto spec = WorkloadOf(options);
  if (const auto* error = std::get_if<SpecError>(&spec))
    return Fail(events, {FailureCause::kWorkload, error->message, error->hint, kExitUsage});
  const TrainConfig config = MakeConfig(options, std::get<WorkloadSpec>(spec));
  const auto failure = RunToEnd(config.device, [&] { Train(config, process_flags, stop, events); });
  return failure.has_value() ? Fail(events, *failure) : kExitOk;
}

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
