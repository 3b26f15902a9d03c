#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "agent/attempt.h"
#include "agent/attempt_log.h"
#include "agent/host_facts.h"
#include "agent/machine_lock.h"
#include "agent/outbox.h"
#include "agent/snapshot.h"
#include "agent/state_dir.h"
#include "agent/stop_request.h"
#include "agent/telemetry/nvml.h"
#include "agent/trainer_watch.h"
#include "proto/support/clock.h"

namespace laptime::agent {

struct RunnerOptions {
  std::filesystem::path trainer;  // the program
  std::filesystem::path data_dir;
  std::string machine_lock = kMachineLockPath;
  bool run_in_parallel = false;
  TrainerLimits limits;
  std::chrono::milliseconds lock_poll = kLockPoll;
};

// What every attempt of this agent uses. All of it outlives the attempts.
struct RunnerContext {
  const Clock& clock;
  const StateDir& state;
  const HostFacts& facts;
  const Nvml* nvml;  // may be nullptr
  Outbox& outbox;
  Spool& spool;
};

// One attempt on its own thread: waits for its turn on the machine, checks the data set, runs the
// trainer, reports the end.
//
// Thread-safe. The trainer is spawned and reaped by the thread of this object, so it never outlives
// it.
class Runner : public Attempt {
 public:
  Runner(const RunnerOptions& options, const RunnerContext& context, const v1::StartRun& start,
         const OfferedDevice& device, std::chrono::duration<double> sampling_period, WakePipe wake,
         AttemptEvents& events);
  ~Runner() override;

  void Stop(StopCause cause) override { stop_.Set(cause); }

 private:
  void Run();
  v1::Report Execute();
  // Fills in what decides about power and clocks just now.
  void AddPower(SnapshotFacts& facts) const;
  // The attempt's end when it was stopped while it waited, or the lock cannot be had; else `lock`
  // is locked.
  std::optional<v1::Report> WaitForTurn(std::optional<MachineLock>& lock);
  // Fills in what the data set says of itself; the end when it cannot be used.
  std::optional<v1::Report> CheckData(SnapshotFacts& facts);
  v1::Report Train(SnapshotFacts facts);
  // The end of an attempt whose trainer cannot be started.
  v1::Report NotStarted(const absl::Status& status) const;
  absl::StatusOr<ChildSpec> PrepareTrainer(const std::optional<DatasetFiles>& files) const;
  v1::Report Failed(v1::FailureCause cause, const absl::Status& status) const;

  // Constant after construction.
  const RunnerOptions options_;
  const RunnerContext context_;
  const v1::StartRun start_;
  const OfferedDevice device_;
  const std::chrono::duration<double> sampling_period_;
  AttemptEvents& events_;

  StopRequest stop_;
  AttemptLog log_;         // owned by thread_
  bool end_told_ = false;  // owned by thread_: its end is spooled already
  std::jthread thread_;
};

// Starts Runners. What it is given outlives the attempts.
class RunnerStarter : public AttemptStarter {
 public:
  RunnerStarter(const RunnerOptions& options, const RunnerContext& context)
      : options_(options), context_(context) {}

  // nullptr when the process has no descriptors left.
  std::unique_ptr<Attempt> Start(const v1::StartRun& start, const OfferedDevice& device,
                                 std::chrono::duration<double> sampling_period,
                                 AttemptEvents& events) override;

 private:
  const RunnerOptions options_;
  const RunnerContext context_;
};

}  // namespace laptime::agent
