#include "agent/trainer/train_command.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "agent/trainer/batch_feed.h"
#include "agent/trainer/checkpoint.h"
#include "agent/trainer/config.h"
#include "agent/trainer/contract.h"
#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/dataset.h"
#include "agent/trainer/device.h"
#include "agent/trainer/evaluation.h"
#include "agent/trainer/event_writer.h"
#include "agent/trainer/events.h"
#include "agent/trainer/failure.h"
#include "agent/trainer/labelled_feed.h"
#include "agent/trainer/layout_probe.h"
#include "agent/trainer/log.h"
#include "agent/trainer/model.h"
#include "agent/trainer/parent_watch.h"
#include "agent/trainer/precision.h"
#include "agent/trainer/process_clock.h"
#include "agent/trainer/process_setup.h"
#include "agent/trainer/ranks/join_ranks.h"
#include "agent/trainer/run_to_end.h"
#include "agent/trainer/start_report.h"
#include "agent/trainer/step_memory.h"
#include "agent/trainer/stop_signal.h"
#include "agent/trainer/synthetic.h"
#include "agent/trainer/train_loop.h"

namespace laptime::trainer {
namespace {

using Flags = std::map<std::string, std::string>;

// A rank's connections end just before its process does.
constexpr std::chrono::seconds kRankEndPatience{5};

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
  config.share = {options.rank, config.workload.devices};
  // Ranks on one host share its cores.
  if (!config.threads && config.share.ranks > 1)
    config.threads = std::max(1, UsableCores() / config.share.ranks);
  return config;
}

// A checkpoint is of all that the configuration says, but for how the views are made and the steps
// given to a device.
Checkpoint CheckpointOf(const TrainConfig& config) {
  nlohmann::json identity = config.workload.spec.config;
  for (const char* key : {"loader_workers", "cuda_graph"}) identity.erase(key);
  return {config.checkpoint, identity.dump()};
}

// What a training is fed with and judged by.
struct Data {
  Dataset images;  // none of a classifier's
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Evaluation> evaluation;  // none of a classifier
};

std::unique_ptr<Data> LoadData(const TrainConfig& config, const Model& model, const Device& device,
                               RankGroup* ranks) {
  const Workload& workload = config.workload;
  auto data = std::make_unique<Data>();
  if (!model.simclr()) {
    data->feed = std::make_unique<LabelledFeed>(workload, model.image_side(), device, config.share);
    return data;
  }
  data->images = workload.spec.synthetic()
                     ? GenerateSyntheticCifar10(workload.train_images, workload.eval_images)
                     : ReadCifar10(config.data_dir, workload.train_images, workload.eval_images);
  data->feed = std::make_unique<BatchFeed>(data->images.train, workload, device, config.share);
  data->evaluation = std::make_unique<Evaluation>(data->images, workload, device, ranks);
  return data;
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
  CheckPrecision(config.workload.precision, device);
  ApplyPrecision(config.workload.precision);
  if (!device.cpu()) return {config.memory_format ? device.With(*config.memory_format) : device};
  const double start = ProcessSeconds();
  const auto resumed = checkpoint.Peek();
  const LayoutChoice choice =
      FindLayout(config, device, resumed ? std::optional<Layout>(resumed->layout) : std::nullopt);
  at::set_num_threads(choice.layout.threads);
  flags["layout"] = choice.reason;
  return {device.With(choice.layout.pixels), ProcessSeconds() - start};
}

// One rank's training, of one or of several.
class Training {
 public:
  Training(const TrainOptions& options, const TrainConfig& config, Flags flags,
           const StopSignal& stop, EventWriter& events, RankProcesses& others)
      : options_(options),
        config_(config),
        flags_(std::move(flags)),
        stop_(stop),
        events_(events),
        others_(others) {}

  void Run() {
    const Checkpoint checkpoint = CheckpointOf(config_);
    const auto [device, probe_seconds] = OpenDevice(config_, checkpoint, flags_);
    const std::unique_ptr<RankGroup> ranks = JoinRanks(options_, config_, device, others_);
    if (ranks) flags_["ranks"] = std::to_string(ranks->size()) + ", " + ranks->transport();
    Model model(config_.workload.model, config_.workload.seed);
    const std::unique_ptr<Data> data = LoadData(config_, model, device, ranks.get());
    stop_.Check();
    model.MoveTo(device.torch(), device.memory_format());
    TrainLoop loop(config_.workload, *data->feed, data->evaluation.get(), ranks.get(), device,
                   model, checkpoint, events_, stop_);
    const double before = ProcessSeconds();
    if (!device.cpu()) flags_["checked"] = loop.CheckDevice();
    if (device.cuda())
      flags_["cuda_graph"] =
          config_.workload.cuda_graph ? loop.RecordStep() : "off: cuda_graph=false";
    const double apart = probe_seconds + ProcessSeconds() - before;
    StartReport report = MakeStartReport(config_, device, model, flags_);
    report.resumed_epochs = loop.Resume(config_.resume_at_most);
    Say(ToText(report));
    events_.Write("started", ToJson(report));
    device.Synchronize();
    WarmUp(loop, apart);
    FitResult fit = loop.Fit();
    others_.Finish();
    fit.total_seconds = ProcessSeconds();
    Say(ToText(fit));
    events_.Write("finished", ToJson(fit));
  }

 private:
  // For people: rank 0 speaks for all.
  void Say(const std::string& text) const {
    if (config_.share.rank == 0) Log(text);
  }

  // `apart`: seconds of the set-up that were spent on how to train, not on getting to it.
  void WarmUp(TrainLoop& loop, double apart) {
    const double setup_seconds = ProcessSeconds() - apart;
    WarmUpResult warm_up = loop.WarmUp();
    warm_up.time_to_first_batch -= apart;
    warm_up.seconds += apart;
    events_.Write("warmed_up", {{"setup_seconds", setup_seconds},
                                {"time_to_first_batch", warm_up.time_to_first_batch},
                                {"warm_up_seconds", warm_up.seconds}});
    Say("warmed up: set-up " + Decimals(setup_seconds, 2) + " s, first batch after " +
        Decimals(warm_up.time_to_first_batch, 2) + " s, warm-up and how to train " +
        Decimals(warm_up.seconds, 2) + " s");
  }

  const TrainOptions& options_;
  const TrainConfig& config_;
  Flags flags_;
  const StopSignal& stop_;
  EventWriter& events_;
  RankProcesses& others_;
};

Failure Obeyed() { return {FailureCause::kInfrastructure, Stopped().what(), "", kExitStopped}; }

// Why the run failed with a rank: for the reason that the rank had, when it came to say so.
Failure BecauseOf(const RankEnd& end) {
  Failure failure{FailureCause::kInfrastructure, "rank " + std::to_string(end.rank) + " " + end.how,
                  "the run's log has what it said", kExitInfrastructure};
  if (end.exit_code == kExitStopped) return Obeyed();
  if (end.exit_code == kExitWorkload || end.exit_code == kExitSetup) {
    failure.exit_code = *end.exit_code;
    failure.cause = end.exit_code == kExitSetup ? FailureCause::kSetup : FailureCause::kWorkload;
  }
  return failure;
}

}  // namespace

int RunTrainCommand(const TrainOptions& options, const Flags& process_flags) {
  EventWriter events(TakeStandardOutput());
  const StopSignal stop([&events] { _exit(Fail(events, Obeyed())); });
  const ParentWatch parent_watch(options.parent_pid, options.parent_pipe);
  if (options.rank > 0) SetLogPrefix("rank " + std::to_string(options.rank) + ": ");
  const auto spec = WorkloadOf(options);
  if (const auto* error = std::get_if<SpecError>(&spec))
    return Fail(events, {FailureCause::kWorkload, error->message, error->hint, kExitUsage});
  const TrainConfig config = MakeConfig(options, std::get<WorkloadSpec>(spec));
  RankProcesses others([&events](const RankEnd& end) { _exit(Fail(events, BecauseOf(end))); });
  // Several ranks measure nothing: the others, who lose this one meanwhile, would be told instead.
  std::function<std::string()> memory_hint;
  if (config.share.ranks == 1)
    memory_hint = [&] { return MemoryHint(config.workload, Device::Open(config.device)); };
  const auto failure = RunToEnd(
      config.device, [&] { Training(options, config, process_flags, stop, events, others).Run(); },
      memory_hint);
  if (!failure.has_value()) return kExitOk;
  if (failure->exit_code == kExitInfrastructure) others.AwaitLoss(kRankEndPatience);
  others.Finish();
  return Fail(events, *failure);
}

}  // namespace laptime::trainer
