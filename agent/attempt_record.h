#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "agent/outbox.h"
#include "agent/snapshot.h"
#include "agent/telemetry/sampler.h"
#include "laptime/v1/agent.pb.h"
#include "laptime/v1/trainer.pb.h"
#include "proto/support/clock.h"

namespace laptime::agent {

// Turns what a trainer says into the attempt's reports, and holds it to the order of trainer.proto.
//
// Belongs to the attempt's thread. What it is given must outlive it.
class AttemptRecord {
 public:
  AttemptRecord(const Clock& clock, Outbox& outbox, Sampler& sampler, const v1::StartRun& start,
                SnapshotFacts facts);

  // Reports the event. kInvalidArgument: it cannot come now ("said epoch 3 after epoch 1"); the
  // trainer is not to be trusted further.
  absl::Status Take(v1::TrainerEvent event);

  // What the trainer said last, for live display; set by Take when the event was progress.
  std::optional<v1::Progress> TakeProgress();

  // How the trainer itself ended the attempt: at most one of the two.
  const std::optional<v1::TrainerFinished>& finished() const { return finished_; }
  const std::optional<v1::Failure>& failed() const { return failed_; }
  bool started() const { return started_; }
  int epochs() const { return epochs_; }

  // The report of a success. Only after finished().
  v1::Report FinishedReport() const;
  // An empty report of this attempt.
  v1::Report NewReport() const;

 private:
  absl::Status TakeStarted(v1::TrainerStarted started);
  absl::Status TakeEpoch(v1::Epoch epoch);
  absl::Status TakeFinished(v1::TrainerFinished finished);

  // Constant after construction.
  const Clock& clock_;
  Outbox& outbox_;
  Sampler& sampler_;
  const v1::AttemptRef attempt_;
  const SnapshotFacts facts_;
  const int64_t started_unix_ms_;
  const std::optional<int> expected_epochs_;
  const bool several_gpus_;

  bool started_ = false;
  int epochs_ = 0;
  std::chrono::steady_clock::time_point lap_begin_;
  v1::TrainerWarmedUp warm_up_;
  std::optional<v1::Progress> progress_;
  std::optional<v1::TrainerFinished> finished_;
  std::optional<v1::Failure> failed_;
};

}  // namespace laptime::agent
