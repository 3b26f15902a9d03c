#include "agent/attempt_record.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace laptime::agent {
namespace {

// A whole number of the configuration, from 1.
std::optional<int> ConfigNumber(const std::string& config_json, const char* key) {
  const auto config = nlohmann::json::parse(config_json, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object() || !config.contains(key) || !config.at(key).is_number())
    return std::nullopt;
  const double number = config.at(key);
  if (!(number >= 1 && number <= std::numeric_limits<int>::max())) return std::nullopt;
  return static_cast<int>(number);
}

// What the trainer may have said of these itself does not count.
void AddFacts(LapFacts lap, v1::Epoch& epoch) {
  epoch.clear_utilization();
  epoch.clear_energy();
  if (lap.utilization) *epoch.mutable_utilization() = *std::move(lap.utilization);
  *epoch.mutable_conditions() = std::move(lap.conditions);
  if (!lap.energy) return;
  *epoch.mutable_energy() = *std::move(lap.energy);
  const double images = epoch.images_per_second() * epoch.train_seconds();
  if (std::isfinite(images) && images > 0 && epoch.energy().joules() > 0)
    epoch.mutable_energy()->set_images_per_joule(images / epoch.energy().joules());
}

absl::Status OutOfOrder(const std::string& what) {
  return absl::InvalidArgumentError("broke the order of its events: " + what);
}

}  // namespace

AttemptRecord::AttemptRecord(const Clock& clock, Outbox& outbox, Sampler& sampler,
                             const v1::StartRun& start, SnapshotFacts facts)
    : clock_(clock),
      outbox_(outbox),
      sampler_(sampler),
      attempt_(start.attempt()),
      facts_(std::move(facts)),
      started_unix_ms_(UnixMs(clock.WallNow())),
      expected_epochs_(ConfigNumber(start.config_json(), "epochs")),
      several_gpus_(facts_.device.gpu &&
                    ConfigNumber(start.config_json(), "devices_per_run").value_or(1) > 1),
      lap_begin_(clock.Now()) {}

absl::Status AttemptRecord::Take(v1::TrainerEvent event) {
  using Event = v1::TrainerEvent;
  if (finished_ || failed_) return OutOfOrder("it went on after its end");
  if (event.event_case() == Event::kFailed) {
    failed_ = std::move(*event.mutable_failed());
    if (failed_->cause() == v1::FAILURE_CAUSE_UNSPECIFIED)
      failed_->set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
    if (failed_->message().empty()) failed_->set_message("the trainer failed and did not say why");
    return absl::OkStatus();
  }
  if (event.event_case() == Event::EVENT_NOT_SET) return absl::OkStatus();  // something newer
  if (event.event_case() == Event::kStarted)
    return TakeStarted(std::move(*event.mutable_started()));
  if (!started_) return OutOfOrder("the first was not 'started'");
  switch (event.event_case()) {
    case Event::kWarmedUp:
      warm_up_ = std::move(*event.mutable_warmed_up());
      lap_begin_ = sampler_.Mark();
      return absl::OkStatus();
    case Event::kStepProgress:
      progress_.emplace();
      *progress_->mutable_attempt() = attempt_;
      *progress_->mutable_step() = std::move(*event.mutable_step_progress());
      if (auto percent = sampler_.latest_utilization())
        progress_->set_utilization_percent(*percent);
      return absl::OkStatus();
    case Event::kEpochFinished:
      return TakeEpoch(std::move(*event.mutable_epoch_finished()));
    case Event::kFinished:
      return TakeFinished(std::move(*event.mutable_finished()));
    default:
      return absl::OkStatus();
  }
}

absl::Status AttemptRecord::TakeStarted(v1::TrainerStarted started) {
  if (started_) return OutOfOrder("'started' came twice");
  if (started.resumed_epochs() < 0) return OutOfOrder("it resumed before the first epoch");
  started_ = true;
  epochs_ = started.resumed_epochs();
  v1::Report report = NewReport();
  report.mutable_started()->set_snapshot_json(SnapshotJson(facts_, started));
  report.mutable_started()->set_started_unix_ms(started_unix_ms_);
  *report.mutable_started()->mutable_trainer() = std::move(started);
  outbox_.Post(std::move(report));
  return absl::OkStatus();
}

absl::Status AttemptRecord::TakeEpoch(v1::Epoch epoch) {
  if (epoch.number() != epochs_ + 1) {
    return OutOfOrder("epoch " + std::to_string(epoch.number()) + " came after epoch " +
                      std::to_string(epochs_));
  }
  if (expected_epochs_ && epoch.number() > *expected_epochs_) {
    return OutOfOrder("epoch " + std::to_string(epoch.number()) + " of " +
                      std::to_string(*expected_epochs_));
  }
  epochs_ = epoch.number();
  // The line is written as the lap ends; the trainer's own duration says when it began.
  const auto end = sampler_.Mark();
  auto begin = lap_begin_;
  if (epoch.has_wall_seconds() && std::isfinite(epoch.wall_seconds()) && epoch.wall_seconds() > 0 &&
      epoch.wall_seconds() < std::chrono::duration<double>(end - lap_begin_).count()) {
    begin = end - std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                      std::chrono::duration<double>(epoch.wall_seconds()));
  }
  LapFacts lap = sampler_.TakeLap(begin, end);
  // One counter of several would pass for all of them.
  if (several_gpus_) lap.energy.reset();
  AddFacts(std::move(lap), epoch);
  lap_begin_ = end;
  v1::Report report = NewReport();
  *report.mutable_epoch_finished() = std::move(epoch);
  outbox_.Post(std::move(report));
  return absl::OkStatus();
}

absl::Status AttemptRecord::TakeFinished(v1::TrainerFinished finished) {
  if (expected_epochs_ && epochs_ != *expected_epochs_) {
    return OutOfOrder("'finished' came after " + std::to_string(epochs_) + " of " +
                      std::to_string(*expected_epochs_) + " epochs");
  }
  finished_ = std::move(finished);
  return absl::OkStatus();
}

std::optional<v1::Progress> AttemptRecord::TakeProgress() {
  return std::exchange(progress_, std::nullopt);
}

v1::Report AttemptRecord::FinishedReport() const {
  v1::Report report = NewReport();
  *report.mutable_finished()->mutable_trainer() = *finished_;
  *report.mutable_finished()->mutable_warm_up() = warm_up_;
  report.mutable_finished()->set_ended_unix_ms(UnixMs(clock_.WallNow()));
  return report;
}

v1::Report AttemptRecord::NewReport() const {
  v1::Report report;
  *report.mutable_attempt() = attempt_;
  return report;
}

}  // namespace laptime::agent
