#include "server/run_lifecycle.h"

#include <nlohmann/json.hpp>

#include "proto/support/status.h"
#include "server/new_id.h"
#include "server/peak_flops.h"
#include "server/repeat_until.h"
#include "server/run_state.h"
#include "server/software_segment.h"
#include "server/validity/validity.h"
#include "storage/config_json.h"

namespace laptime {
namespace {

v1::Failure Infrastructure(const std::string& message, const std::string& hint) {
  v1::Failure failure;
  failure.set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
  failure.set_message(message);
  failure.set_hint(hint);
  return failure;
}

// Every workload key with its value.
nlohmann::json ConfigOf(const storage::RunRow& run) {
  auto config = nlohmann::json::parse(run.config_json, nullptr, /*allow_exceptions=*/false);
  return config.is_object() ? config : nlohmann::json::object();
}

}  // namespace

absl::Status RunLifecycle::Assign(const std::string& run_id) {
  absl::StatusOr<storage::RunRow> run = tx_.FindRun(run_id);
  if (!run.ok()) return run.status();
  const std::string command_id = NewId();
  absl::StatusOr<v1::AttemptRef> attempt = tx_.InsertAttempt(run_id, command_id, now_);
  if (!attempt.ok()) return attempt.status();
  run->run.set_attempt(attempt->number());
  LAPTIME_RETURN_IF_ERROR(Move(*run, v1::RUN_STATE_ASSIGNED, {}));
  return SendStart(*run, *attempt, command_id);
}

absl::Status RunLifecycle::SendAgain(const storage::AttemptRow& attempt) {
  absl::StatusOr<storage::RunRow> run = tx_.FindRun(attempt.ref.run_id());
  if (!run.ok()) return run.status();
  return SendStart(*run, attempt.ref, attempt.command_id);
}

absl::Status RunLifecycle::SendStart(const storage::RunRow& run, const v1::AttemptRef& attempt,
                                     const std::string& command_id) {
  v1::CoordinatorMessage message;
  v1::StartRun& start = *message.mutable_start_run();
  start.set_command_id(command_id);
  *start.mutable_attempt() = attempt;
  start.set_device(run.agent_device);
  start.set_workload(run.run.workload());
  start.set_workload_hash(run.run.workload_hash());
  start.set_config_json(storage::WithSeed(run.config_json, run.run.seed()));
  outbox_.messages.push_back({run.host_id, std::move(message)});
  return absl::OkStatus();
}

absl::Status RunLifecycle::Accepted(const storage::AttemptRow& attempt) {
  if (attempt.state != v1::ATTEMPT_STATE_SENT) return absl::OkStatus();
  return tx_.MoveAttempt(attempt.ref, attempt.state, v1::ATTEMPT_STATE_ACCEPTED, now_);
}

absl::Status RunLifecycle::Refused(const storage::AttemptRow& attempt, const v1::Failure& failure) {
  outbox_.ended.push_back(attempt.ref);
  LAPTIME_RETURN_IF_ERROR(Fail(attempt, failure));
  // Not asked again at once: what keeps an agent from taking work, a full disk say, would fail its
  // whole queue within a second. The next sweep asks.
  if (failure.cause() == v1::FAILURE_CAUSE_INFRASTRUCTURE)
    outbox_.look_for_work.erase(attempt.host_id);
  return absl::OkStatus();
}

absl::Status RunLifecycle::Apply(const storage::AttemptRow& attempt, const v1::Report& report) {
  switch (report.event_case()) {
    case v1::Report::kStarted:
      return Started(attempt, report.started());
    case v1::Report::kEpochFinished:
      return EpochFinished(attempt, report.epoch_finished());
    case v1::Report::kSamples:
      return tx_.InsertSamples(attempt.ref, report.samples());
    case v1::Report::kLogChunk:
      return tx_.InsertLog(attempt.ref, report.log_chunk());
    case v1::Report::kFinished:
      return Finished(attempt, report.finished());
    case v1::Report::kFailed:
      outbox_.ended.push_back(attempt.ref);
      return Fail(attempt, report.failed());
    case v1::Report::kStopped:
      return Stopped(attempt);
    case v1::Report::EVENT_NOT_SET:
      return absl::OkStatus();  // from a newer agent
  }
  return absl::OkStatus();
}

absl::Status RunLifecycle::Started(const storage::AttemptRow& attempt,
                                   const v1::AttemptStarted& started) {
  LAPTIME_RETURN_IF_ERROR(tx_.SetAttemptStarted(attempt.ref, started));
  const SoftwareSegment segment = SegmentOf(started.snapshot_json());
  if (attempt.newest && !segment.name.empty()) {
    LAPTIME_RETURN_IF_ERROR(
        tx_.SetRunSegment(attempt.ref.run_id(), segment.name, segment.software));
  }
  if (!CanMove(attempt.state, v1::ATTEMPT_STATE_RUNNING)) return absl::OkStatus();
  LAPTIME_RETURN_IF_ERROR(tx_.MoveAttempt(attempt.ref, attempt.state, v1::ATTEMPT_STATE_RUNNING,
                                          started.started_unix_ms()));
  if (!attempt.newest || attempt.run_state != v1::RUN_STATE_ASSIGNED) return absl::OkStatus();
  absl::StatusOr<storage::RunRow> run = tx_.FindRun(attempt.ref.run_id());
  if (!run.ok()) return run.status();
  return Move(*run, v1::RUN_STATE_RUNNING, {});
}

absl::StatusOr<const storage::RunRow*> RunLifecycle::RunOfLap(const std::string& run_id) {
  if (!run_of_lap_ || run_of_lap_->run.id() != run_id) {
    absl::StatusOr<storage::RunRow> run = tx_.FindRun(run_id);
    if (!run.ok()) return run.status();
    run_of_lap_ = *std::move(run);
  }
  return &*run_of_lap_;
}

absl::Status RunLifecycle::EpochFinished(const storage::AttemptRow& attempt, v1::Epoch epoch) {
  const absl::StatusOr<const storage::RunRow*> run = RunOfLap(attempt.ref.run_id());
  if (!run.ok()) return run.status();
  LAPTIME_RETURN_IF_ERROR(SetMfu(**run, epoch));
  const absl::StatusOr<bool> inserted = tx_.InsertEpoch(attempt.ref, epoch);
  if (!inserted.ok()) return inserted.status();
  if (!*inserted || !attempt.newest || IsEnd(attempt.state)) return absl::OkStatus();
  v1::JobEvent event;
  *event.mutable_epoch_finished() = std::move(epoch);
  return Publish(std::move(event), (*run)->run);
}

absl::Status RunLifecycle::SetMfu(const storage::RunRow& run, v1::Epoch& epoch) const {
  if (!epoch.has_flops_per_second()) return absl::OkStatus();
  const absl::StatusOr<std::vector<v1::PeakRate>> rates = tx_.PeakRates(run.device_key);
  if (!rates.ok()) return rates.status();
  const nlohmann::json config = ConfigOf(run);
  const auto peak = PeakFlops(*rates, run.run.kind(), config.value("precision", ""));
  // Ranks on a CPU share it; elsewhere each has a device of its own.
  const int devices =
      run.run.kind() == v1::DEVICE_KIND_CPU ? 1 : config.value("devices_per_run", 1);
  if (peak && *peak > 0) epoch.set_mfu_fraction(epoch.flops_per_second() / (*peak * devices));
  return absl::OkStatus();
}

absl::Status RunLifecycle::Judge(const storage::RunRow& run, const std::vector<v1::Epoch>& laps) {
  std::optional<double> gate_loss;
  if (!laps.empty() && laps.front().has_gate_loss()) gate_loss = laps.front().gate_loss();
  const GateResult gate = EvaluateGate(ConfigOf(run), gate_loss);
  const Judgement judgement = JudgeRun(laps, run.run.kind(), gate);
  v1::Run judged;
  judged.set_validity(judgement.validity);
  judged.set_learning_gate(NameOf(gate.gate));
  judged.mutable_validity_reasons()->Add(judgement.reasons.begin(), judgement.reasons.end());
  return tx_.SetRunValidity(run.run.id(), judged);
}

absl::Status RunLifecycle::Finished(const storage::AttemptRow& attempt,
                                    const v1::AttemptFinished& finished) {
  outbox_.ended.push_back(attempt.ref);
  outbox_.look_for_work.insert(attempt.host_id);
  LAPTIME_RETURN_IF_ERROR(tx_.SetAttemptFinished(attempt.ref, finished));
  if (IsEnd(attempt.state)) return absl::OkStatus();
  if (!CanMove(attempt.state, v1::ATTEMPT_STATE_SUCCEEDED)) {
    return Fail(attempt, Infrastructure("the trainer ended without a word of its start",
                                        "laptime run logs " + attempt.ref.run_id()));
  }
  absl::StatusOr<storage::RunRow> run = tx_.FindRun(attempt.ref.run_id());
  if (!run.ok()) return run.status();
  absl::StatusOr<std::vector<v1::Epoch>> epochs =
      tx_.Epochs(attempt.ref.run_id(), attempt.ref.number());
  if (!epochs.ok()) return epochs.status();
  if (static_cast<int>(epochs->size()) < run->run.epochs()) {
    return Fail(attempt,
                Infrastructure("the trainer ended after " + std::to_string(epochs->size()) +
                                   " of " + std::to_string(run->run.epochs()) + " epochs",
                               "laptime run logs " + run->run.id()));
  }
  LAPTIME_RETURN_IF_ERROR(tx_.MoveAttempt(attempt.ref, attempt.state, v1::ATTEMPT_STATE_SUCCEEDED,
                                          finished.ended_unix_ms()));
  LAPTIME_RETURN_IF_ERROR(tx_.SetHealth(run->device_key, v1::DEVICE_HEALTH_OK));
  if (!attempt.newest || IsEnd(run->run.state())) return absl::OkStatus();
  LAPTIME_RETURN_IF_ERROR(Judge(*run, *epochs));
  return Move(*run, v1::RUN_STATE_SUCCEEDED, {});
}

absl::Status RunLifecycle::Stopped(const storage::AttemptRow& attempt) {
  outbox_.ended.push_back(attempt.ref);
  outbox_.look_for_work.insert(attempt.host_id);
  if (IsEnd(attempt.state)) return absl::OkStatus();
  return Fail(attempt, Infrastructure("the agent stopped the attempt unasked", ""));
}

absl::Status RunLifecycle::Fail(const storage::AttemptRow& attempt, const v1::Failure& failure) {
  outbox_.look_for_work.insert(attempt.host_id);
  if (IsEnd(attempt.state)) return absl::OkStatus();
  LAPTIME_RETURN_IF_ERROR(tx_.SetAttemptFailure(attempt.ref, failure));
  LAPTIME_RETURN_IF_ERROR(
      tx_.MoveAttempt(attempt.ref, attempt.state, v1::ATTEMPT_STATE_FAILED, now_));
  absl::StatusOr<storage::RunRow> run = tx_.FindRun(attempt.ref.run_id());
  if (!run.ok()) return run.status();
  if (failure.cause() != v1::FAILURE_CAUSE_WORKLOAD) {
    LAPTIME_RETURN_IF_ERROR(tx_.SetHealth(run->device_key, v1::DEVICE_HEALTH_FAILING));
  }
  if (!attempt.newest || IsEnd(run->run.state())) return absl::OkStatus();
  const bool retry =
      failure.cause() == v1::FAILURE_CAUSE_INFRASTRUCTURE && attempt.ref.number() <= max_retries_;
  return Move(*run, retry ? v1::RUN_STATE_QUEUED : v1::RUN_STATE_FAILED, failure);
}

absl::Status RunLifecycle::End(const storage::RunRow& run, v1::RunState end,
                               const v1::Failure& failure) {
  if (IsEnd(run.run.state())) return absl::OkStatus();
  if (run.run.attempt() > 0) {
    absl::StatusOr<storage::AttemptRow> attempt = tx_.FindAttempt(run.run.id(), run.run.attempt());
    if (!attempt.ok()) return attempt.status();
    if (!IsEnd(attempt->state)) {
      const bool cancel = end == v1::RUN_STATE_CANCELLED;
      LAPTIME_RETURN_IF_ERROR(
          tx_.MoveAttempt(attempt->ref, attempt->state,
                          cancel ? v1::ATTEMPT_STATE_CANCELLED : v1::ATTEMPT_STATE_LOST, now_));
      if (cancel) outbox_.StopRun(run.host_id, attempt->ref, "cancelled");
    }
  }
  outbox_.look_for_work.insert(run.host_id);
  return Move(run, end, failure);
}

absl::Status RunLifecycle::Move(const storage::RunRow& run, v1::RunState to,
                                const v1::Failure& failure) {
  if (!CanMove(run.run.state(), to)) {
    return absl::FailedPreconditionError("run " + run.run.id() + " cannot become " + Name(to) +
                                         ": it is " + Name(run.run.state()));
  }
  LAPTIME_RETURN_IF_ERROR(tx_.MoveRun(run.run.id(), run.run.state(), to, now_));
  // A run that is tried again, or ended badly, shows why; a new attempt's success clears it.
  LAPTIME_RETURN_IF_ERROR(tx_.SetRunFailure(
      run.run.id(),
      to == v1::RUN_STATE_ASSIGNED || to == v1::RUN_STATE_RUNNING ? run.run.failure() : failure));
  v1::JobEvent event;
  v1::RunChanged& changed = *event.mutable_run_changed();
  changed.set_state(to);
  changed.set_attempt(run.run.attempt());
  changed.set_epochs(run.run.epochs());
  if (failure.cause() != v1::FAILURE_CAUSE_UNSPECIFIED) *changed.mutable_failure() = failure;
  LAPTIME_RETURN_IF_ERROR(Publish(std::move(event), run.run));
  return IsEnd(to) ? RunEnded(run, to) : absl::OkStatus();
}

absl::Status RunLifecycle::RunEnded(const storage::RunRow& run, v1::RunState how) {
  const absl::StatusOr<storage::Reader::JobOutlook> outlook = tx_.OutlookOf(run.run.job_id());
  if (!outlook.ok()) return outlook.status();
  // Of a job with many runs most ends lead to nothing.
  if (outlook->open && !outlook->repeats_until) return absl::OkStatus();
  absl::StatusOr<v1::Job> job = tx_.FindJob(run.run.job_id());
  if (!job.ok()) return job.status();
  if (how == v1::RUN_STATE_SUCCEEDED || how == v1::RUN_STATE_FAILED) {
    absl::StatusOr<std::optional<storage::NewRun>> next = NextRepetition(tx_, *job, run, now_);
    if (!next.ok()) return next.status();
    if (next->has_value()) return Repeat(run, **next);
  }
  if (outlook->open) return absl::OkStatus();
  v1::JobEvent event;
  event.set_job_ended(job->state());
  return Publish(std::move(event), run.run);
}

absl::Status RunLifecycle::Repeat(const storage::RunRow& ended, const storage::NewRun& next) {
  LAPTIME_RETURN_IF_ERROR(tx_.InsertRun(next));
  outbox_.look_for_work.insert(ended.host_id);
  v1::Run added = ended.run;
  added.set_id(next.id);
  v1::JobEvent event;
  event.mutable_run_changed()->set_state(v1::RUN_STATE_QUEUED);
  event.mutable_run_changed()->set_epochs(added.epochs());
  return Publish(std::move(event), added);
}

absl::Status RunLifecycle::Publish(v1::JobEvent event, const v1::Run& run) {
  event.set_job_id(run.job_id());
  event.set_run_id(run.id());
  event.set_device(run.device());
  event.set_at_unix_ms(now_);
  absl::StatusOr<int64_t> seq = tx_.InsertEvent(event);
  if (!seq.ok()) return seq.status();
  event.set_seq(*seq);
  outbox_.events.push_back(std::move(event));
  return absl::OkStatus();
}

}  // namespace laptime
