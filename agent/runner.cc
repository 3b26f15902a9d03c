#include "agent/runner.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agent/attempt_end.h"
#include "agent/attempt_record.h"
#include "agent/log_tail.h"
#include "agent/sleep_assertion.h"
#include "agent/telemetry/power_supply.h"
#include "agent/telemetry/sampler.h"
#include "agent/telemetry_sources.h"
#include "agent/trainer/contract.h"
#include "agent/trainer_spec.h"
#include "proto/support/log.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

using nlohmann::json;

std::string Name(const v1::AttemptRef& attempt) {
  return attempt.run_id() + " attempt " + std::to_string(attempt.number());
}

// "cifar10" when the configuration does not say.
std::string DatasetOf(const v1::StartRun& start) {
  const json config = json::parse(start.config_json(), nullptr, /*allow_exceptions=*/false);
  const json dataset = config.is_object() ? config.value("dataset", json()) : json();
  return dataset.is_string() ? dataset.get<std::string>() : "cifar10";
}

// Whether another attempt may succeed: what the machine is short of now may be there then.
v1::FailureCause CauseOf(const absl::Status& status) {
  const bool may_pass = status.code() == absl::StatusCode::kUnavailable ||
                        status.code() == absl::StatusCode::kResourceExhausted;
  return may_pass ? v1::FAILURE_CAUSE_INFRASTRUCTURE : v1::FAILURE_CAUSE_SETUP;
}

}  // namespace

Runner::Runner(const RunnerOptions& options, const RunnerContext& context,
               const v1::StartRun& start, const OfferedDevice& device,
               std::chrono::duration<double> sampling_period, WakePipe wake, AttemptEvents& events)
    : options_(options),
      context_(context),
      start_(start),
      device_(device),
      sampling_period_(sampling_period),
      events_(events),
      stop_(std::move(wake)),
      log_(context.outbox, start.attempt()),
      thread_([this] { Run(); }) {}

Runner::~Runner() { stop_.Set(StopCause::kAgentStopping); }

void Runner::Run() {
  v1::Report end = Execute();
  spdlog::info("run {} on {}: {}", Name(start_.attempt()), device_.device.name(),
               end.has_failed()    ? "failed: " + Printable(end.failed().message())
               : end.has_stopped() ? "stopped"
                                   : "finished");
  log_.PostAll();
  if (!end_told_) context_.outbox.Post(std::move(end));
  events_.OnAttemptOver(start_.attempt());
}

v1::Report Runner::Execute() {
  std::optional<MachineLock> lock;
  if (auto end = WaitForTurn(lock)) return *std::move(end);
  SnapshotFacts facts;
  facts.host = context_.facts;
  facts.device = device_;
  if (context_.nvml != nullptr) facts.nvidia_driver = context_.nvml->DriverVersion();
  AddPower(facts);
  facts.run_in_parallel = options_.run_in_parallel;
  if (auto end = CheckData(facts)) return *std::move(end);
  return Train(std::move(facts));
}

void Runner::AddPower(SnapshotFacts& facts) const {
  facts.power = PowerFacts("/", context_.facts.allowed_cpus);
  if (!device_.gpu || context_.nvml == nullptr) return;
  facts.gpu_limit_watts = context_.nvml->PowerLimitWatts(device_.gpu->nvml_index);
  facts.gpu_default_limit_watts = context_.nvml->DefaultPowerLimitWatts(device_.gpu->nvml_index);
}

std::optional<v1::Report> Runner::WaitForTurn(std::optional<MachineLock>& lock) {
  const auto mode =
      options_.run_in_parallel ? MachineLock::Mode::kShared : MachineLock::Mode::kAlone;
  auto opened = MachineLock::Open(options_.machine_lock);
  if (!opened.ok()) return Failed(CauseOf(opened.status()), opened.status());
  bool told = false;
  while (!stop_.cause()) {
    if (opened->TryLock(mode)) {
      lock = *std::move(opened);
      return std::nullopt;
    }
    if (!told) {
      spdlog::info("run {} waits: another run, or a probe, is under way on this machine",
                   Name(start_.attempt()));
      log_.Remark("waiting: another run, or a probe, is under way on this machine");
      told = log_.PostDue(context_.clock.Now());
      events_.OnReport();
    }
    WaitReadable(stop_.fd(), options_.lock_poll);
  }
  return StoppedReport(start_.attempt(), *stop_.cause(), UnixMs(context_.clock.WallNow()));
}

std::optional<v1::Report> Runner::CheckData(SnapshotFacts& facts) {
  facts.dataset = DatasetOf(start_);
  if (facts.dataset != "cifar10") return std::nullopt;
  auto files = CheckDataset(options_.data_dir, context_.state.dataset_cache_path());
  if (!files.ok()) return Failed(v1::FAILURE_CAUSE_SETUP, files.status());
  facts.files = *std::move(files);
  log_.Remark("data set " + facts.files->Name() +
              (facts.files->official ? ", official" : ", not known to be official"));
  return std::nullopt;
}

v1::Report Runner::Train(SnapshotFacts facts) {
  RunProcesses processes;
  Sampler sampler(context_.clock, OpenTelemetry(device_, context_.facts, context_.nvml, processes),
                  sampling_period_);
  facts.sensors = sampler.sensors();
  auto spec = PrepareTrainer(facts.files);
  AttemptRecord record(context_.clock, context_.outbox, sampler, start_, std::move(facts));
  if (!spec.ok()) return Failed(v1::FAILURE_CAUSE_INFRASTRUCTURE, spec.status());
  const SleepAssertion awake("laptime trains on " + device_.device.name());
  auto child = ChildProcess::Spawn(*spec);
  if (!child.ok()) return NotStarted(child.status());
  spdlog::info("run {} on {}: trainer is process {}", Name(start_.attempt()), device_.device.name(),
               (*child)->pid());
  processes.Follow((*child)->pid());
  const SamplingThread sampling(sampler);
  TrainerWatch watch(context_.clock, options_.limits, **child, record, log_, sampler,
                     context_.outbox, stop_, events_);
  const TrainerEnd end = watch.Run();
  end_told_ = end.told;
  if (record.finished() && end.exit.code != trainer::kExitOk) {
    log_.Remark("the trainer finished the run and then ended with " + Describe(end.exit));
  }
  v1::Report report = JudgeEnd(record, end, UnixMs(context_.clock.WallNow()));
  // Whatever failed may be tried again, and goes on from there.
  if (!report.has_failed()) context_.state.DropCheckpoint(start_.attempt().run_id());
  return report;
}

v1::Report Runner::NotStarted(const absl::Status& status) const {
  const v1::FailureCause cause = CauseOf(status);
  if (cause != v1::FAILURE_CAUSE_SETUP) return Failed(cause, status);
  return Failed(cause, WithHint(status.code(), MessageOf(status),
                                "laptime-trainer belongs beside laptime-agent; LAPTIME_TRAINER "
                                "names another"));
}

absl::StatusOr<ChildSpec> Runner::PrepareTrainer(const std::optional<DatasetFiles>& files) const {
  auto dir = context_.state.NewAttemptDir(start_.attempt().run_id(), start_.attempt().number());
  if (!dir.ok()) return dir.status();
  const json config = {
      {"workload", start_.workload()},
      {"config", json::parse(start_.config_json(), nullptr, /*allow_exceptions=*/false)}};
  LAPTIME_RETURN_IF_ERROR(WriteFileAtomically(*dir / "config.json", config.dump() + "\n"));
  ChildSpec spec = TrainerSpec(options_.trainer, trainer::kCommandTrain, device_.device);
  spec.arguments.insert(spec.arguments.end(),
                        {trainer::kFlagConfig, (*dir / "config.json").string()});
  // The very directory whose files were hashed.
  if (files) spec.arguments.insert(spec.arguments.end(), {trainer::kFlagData, files->dir.string()});
  if (auto checkpoint = context_.state.CheckpointOf(start_.attempt().run_id()); checkpoint.ok()) {
    // One of laps that never reached the spool would leave a hole in the run.
    auto epochs = context_.spool.RecordedEpochs(start_.attempt().run_id());
    if (!epochs.ok()) return epochs.status();
    spec.arguments.insert(spec.arguments.end(),
                          {trainer::kFlagCheckpoint, checkpoint->string(),
                           trainer::kFlagResumeAtMost, std::to_string(*epochs)});
  } else {
    spdlog::warn("run {}: no checkpoint: {}", Name(start_.attempt()),
                 MessageOf(checkpoint.status()));
  }
  return spec;
}

v1::Report Runner::Failed(v1::FailureCause cause, const absl::Status& status) const {
  v1::Report report;
  *report.mutable_attempt() = start_.attempt();
  *report.mutable_failed() = NewFailure(cause, AsUtf8(MessageOf(status)), AsUtf8(HintOf(status)));
  return report;
}

std::unique_ptr<Attempt> RunnerStarter::Start(const v1::StartRun& start,
                                              const OfferedDevice& device,
                                              std::chrono::duration<double> sampling_period,
                                              AttemptEvents& events) {
  auto wake = WakePipe::Open();
  if (!wake.ok()) return nullptr;
  return std::make_unique<Runner>(options_, context_, start, device, sampling_period,
                                  *std::move(wake), events);
}

}  // namespace laptime::agent
