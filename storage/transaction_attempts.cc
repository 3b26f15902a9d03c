#include <nlohmann/json.hpp>

#include "google/protobuf/util/json_util.h"
#include "proto/support/sha256.h"
#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/transaction.h"

namespace laptime::storage {
namespace {

// "cifar10@1a2b3c4d" of the snapshot; nothing when it does not say. No part of it is copied: that
// recurses, and an agent may send any depth.
std::optional<std::string> DatasetOf(const std::string& snapshot_json) {
  const auto snapshot = nlohmann::json::parse(snapshot_json, nullptr, /*allow_exceptions=*/false);
  const nlohmann::json::json_pointer name("/dataset/name");
  if (!snapshot.is_object() || !snapshot.contains(name) || !snapshot.at(name).is_string())
    return std::nullopt;
  return snapshot.at(name).get<std::string>();
}

std::optional<std::string> JsonOf(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(message, &json, options).ok()) {
    return std::nullopt;
  }
  return json;
}

// Unknown (0) is NULL.
std::optional<int64_t> Instant(int64_t unix_ms) {
  return unix_ms == 0 ? std::nullopt : std::optional<int64_t>(unix_ms);
}

// The three columns of a failure; an empty one clears them.
void BindFailure(const v1::Failure& failure, Query& query, int first) {
  if (failure.cause() == v1::FAILURE_CAUSE_UNSPECIFIED && failure.message().empty()) return;
  query.BindAt(first, failure.cause());
  query.BindAt(first + 1, failure.message());
  query.BindAt(first + 2, failure.hint());
}

std::optional<double> FitPerEpoch(const v1::TrainerFinished& finished) {
  if (!finished.has_fit_seconds() || finished.epochs() < 1) return std::nullopt;
  return finished.fit_seconds() / finished.epochs();
}

}  // namespace

std::string Transaction::KeepSnapshot(const std::string& json) {
  std::string hash = Sha256Hex(json);
  Prepare("INSERT INTO snapshot VALUES (?1, ?2) ON CONFLICT DO NOTHING").Bind(hash, json).Run();
  return hash;
}

absl::Status Transaction::SetAttemptStarted(const v1::AttemptRef& attempt,
                                            const v1::AttemptStarted& started) {
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  return Guard("storing the start of run " + attempt.run_id(), [&] {
    std::optional<std::string> hash;
    if (!started.snapshot_json().empty()) {
      hash = KeepSnapshot(started.snapshot_json());
    }
    Prepare(
        "UPDATE attempt SET started_unix_ms = coalesce(?2, started_unix_ms), snapshot = ?3, "
        "trainer_json = ?4, resumed_epochs = ?5 WHERE key = ?1")
        .Bind(keys->attempt, Instant(started.started_unix_ms()), hash, JsonOf(started.trainer()),
              started.trainer().resumed_epochs())
        .Run();
    if (started.trainer().resumed_epochs() > 0)
      AdoptEpochs(*keys, started.trainer().resumed_epochs());
    if (keys->newest) {
      Prepare("UPDATE run SET dataset = ?2 WHERE key = ?1")
          .Bind(keys->run, DatasetOf(started.snapshot_json()))
          .Run();
    }
  });
}

absl::Status Transaction::SetAttemptFinished(const v1::AttemptRef& attempt,
                                             const v1::AttemptFinished& finished) {
  using Finished = v1::TrainerFinished;
  using WarmUp = v1::TrainerWarmedUp;
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  const Finished& trainer = finished.trainer();
  const WarmUp& warm_up = finished.warm_up();
  const std::optional<double> peak =
      Measured(trainer, &Finished::has_peak_memory_bytes, &Finished::peak_memory_bytes);
  return Guard("storing the end of run " + attempt.run_id(), [&] {
    Prepare(
        "UPDATE attempt SET ended_unix_ms = coalesce(?2, ended_unix_ms), finished_epochs = ?3, "
        "fit_seconds = ?4, total_seconds = ?5, max_knn_accuracy = ?6, peak_memory_bytes = ?7, "
        "setup_seconds = ?8, time_to_first_batch_seconds = ?9, warm_up_seconds = ?10 "
        "WHERE key = ?1")
        .Bind(keys->attempt, Instant(finished.ended_unix_ms()), trainer.epochs(),
              Measured(trainer, &Finished::has_fit_seconds, &Finished::fit_seconds),
              Measured(trainer, &Finished::has_total_seconds, &Finished::total_seconds),
              Measured(trainer, &Finished::has_max_knn_accuracy, &Finished::max_knn_accuracy), peak,
              Measured(warm_up, &WarmUp::has_setup_seconds, &WarmUp::setup_seconds),
              Measured(warm_up, &WarmUp::has_time_to_first_batch, &WarmUp::time_to_first_batch),
              Measured(warm_up, &WarmUp::has_warm_up_seconds, &WarmUp::warm_up_seconds))
        .Run();
    if (trainer.has_estimate()) SetEstimate(*keys, trainer.estimate());
    if (keys->newest) {
      Prepare(
          "UPDATE run SET fit_seconds_per_epoch = ?2, peak_memory_bytes = "
          "coalesce(max(?3, peak_memory_bytes), ?3, peak_memory_bytes) WHERE key = ?1")
          .Bind(keys->run, FitPerEpoch(trainer), peak)
          .Run();
    }
  });
}

void Transaction::SetEstimate(const AttemptKeys& keys, const v1::EpochEstimate& estimate) {
  Prepare(
      "UPDATE attempt SET estimated_epoch_seconds = ?2, estimated_low_seconds = ?3, "
      "estimated_high_seconds = ?4, estimated_from_steps = ?5, estimated_from_images = ?6, "
      "estimated_steady = ?7 WHERE key = ?1")
      .Bind(keys.attempt, estimate.epoch_seconds(), estimate.low_seconds(), estimate.high_seconds(),
            estimate.timed_steps(), estimate.timed_images(), estimate.steady())
      .Run();
  // The energy is that of the timed part, not an epoch's.
  if (keys.newest) {
    Prepare("UPDATE run SET joules_per_epoch = NULL, images_per_joule = NULL WHERE key = ?1")
        .Bind(keys.run)
        .Run();
  }
}

absl::Status Transaction::SetAttemptFailure(const v1::AttemptRef& attempt,
                                            const v1::Failure& failure) {
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  return Guard("storing the failure of run " + attempt.run_id(), [&] {
    Query query = Prepare(
        "UPDATE attempt SET failure_cause = ?2, failure_message = ?3, failure_hint = ?4 "
        "WHERE key = ?1");
    query.Bind(keys->attempt);
    BindFailure(failure, query, 2);
    query.Run();
  });
}

absl::Status Transaction::SetRunFailure(const std::string& run_id, const v1::Failure& failure) {
  return Guard("storing the failure of run " + run_id, [&]() -> absl::Status {
    Query query = Prepare(
        "UPDATE run SET failure_cause = ?2, failure_message = ?3, failure_hint = ?4 "
        "WHERE id = ?1");
    query.Bind(run_id);
    BindFailure(failure, query, 2);
    return query.RunChange() ? absl::OkStatus() : absl::NotFoundError("no run " + run_id);
  });
}

}  // namespace laptime::storage
