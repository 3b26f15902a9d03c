#include "storage/row_to_proto.h"
#include "storage/sqlite/database.h"
#include "storage/transaction.h"

namespace laptime::storage {
namespace {

// The SQL below and the partial indices tell open states from ended ones by their numbers.
static_assert(v1::RUN_STATE_QUEUED == 1 && v1::RUN_STATE_RUNNING == 3);
static_assert(v1::RUN_STATE_SUCCEEDED == 4 && v1::RunState_MAX == v1::RUN_STATE_LOST);
static_assert(v1::ATTEMPT_STATE_RUNNING == 3 && v1::ATTEMPT_STATE_SUCCEEDED == 4);
static_assert(v1::AttemptState_MAX == v1::ATTEMPT_STATE_LOST);

std::string Named(const v1::AttemptRef& attempt) {
  return "attempt " + std::to_string(attempt.number()) + " of run " + attempt.run_id();
}

template <typename State>
absl::Status LostRace(const std::string& name, State from, State found) {
  return absl::AbortedError(name + " is " + NameOf(found) + ", no longer " + NameOf(from));
}

}  // namespace

absl::Status Transaction::MoveRun(const std::string& run_id, v1::RunState from, v1::RunState to,
                                  int64_t at_unix_ms) {
  return Guard("moving run " + run_id, [&]() -> absl::Status {
    Query move = Prepare(
        "UPDATE run SET state = ?3, "
        "started_unix_ms = iif(?3 = 3, coalesce(started_unix_ms, ?4), started_unix_ms), "
        "ended_unix_ms = iif(?3 >= 4, ?4, ended_unix_ms) "
        "WHERE id = ?1 AND state = ?2");
    if (move.Bind(run_id, from, to, at_unix_ms).RunChange()) return absl::OkStatus();
    Query found = Prepare("SELECT state FROM run WHERE id = ?1");
    if (!found.Bind(run_id).Step()) return absl::NotFoundError("no run " + run_id);
    return LostRace("run " + run_id, from, static_cast<v1::RunState>(found.Int(0)));
  });
}

absl::Status Transaction::MoveAttempt(const v1::AttemptRef& attempt, v1::AttemptState from,
                                      v1::AttemptState to, int64_t at_unix_ms) {
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  return Guard("moving " + Named(attempt), [&]() -> absl::Status {
    Query move = Prepare(
        "UPDATE attempt SET state = ?3, "
        "started_unix_ms = iif(?3 = 3, coalesce(started_unix_ms, ?4), started_unix_ms), "
        "ended_unix_ms = iif(?3 >= 4, coalesce(ended_unix_ms, ?4), ended_unix_ms) "
        "WHERE key = ?1 AND state = ?2");
    if (move.Bind(keys->attempt, from, to, at_unix_ms).RunChange()) return absl::OkStatus();
    Query found = Prepare("SELECT state FROM attempt WHERE key = ?1");
    found.Bind(keys->attempt).Step();
    return LostRace(Named(attempt), from, static_cast<v1::AttemptState>(found.Int(0)));
  });
}

absl::StatusOr<v1::AttemptRef> Transaction::InsertAttempt(const std::string& run_id,
                                                          const std::string& command_id,
                                                          int64_t at_unix_ms) {
  return Guard("inserting an attempt of run " + run_id, [&]() -> absl::StatusOr<v1::AttemptRef> {
    // The figures were those of the attempt before.
    Query run = Prepare(
        "UPDATE run SET attempt = attempt + 1, epochs_done = 0, median_epoch_seconds = NULL, "
        "fit_seconds_per_epoch = NULL, mean_loss = NULL, knn_accuracy = NULL, "
        "utilization_percent = NULL, median_step_seconds = NULL, peak_memory_bytes = NULL, "
        "segment = NULL, mfu_fraction = NULL, above_90_fraction = NULL, joules_per_epoch = NULL, "
        "images_per_joule = NULL WHERE id = ?1 RETURNING attempt");
    const std::optional<int64_t> number = run.Bind(run_id).RunReturning();
    if (!number.has_value()) return absl::NotFoundError("no run " + run_id);
    Query insert = Prepare(
        "INSERT INTO attempt (run, number, command_id, state, created_unix_ms) "
        "SELECT key, attempt, ?2, ?3, ?4 FROM run WHERE id = ?1");
    insert.Bind(run_id, command_id, v1::ATTEMPT_STATE_SENT, at_unix_ms);
    v1::AttemptRef attempt;
    attempt.set_run_id(run_id);
    attempt.set_number(static_cast<int32_t>(*number));
    attempt.set_fencing_token(insert.RunInsert());
    return attempt;
  });
}

absl::StatusOr<Transaction::AttemptKeys> Transaction::KeysOf(const v1::AttemptRef& attempt) const {
  return Guard("reading " + Named(attempt), [&]() -> absl::StatusOr<AttemptKeys> {
    Query query = Prepare(
        "SELECT attempt.key, run.key, attempt.number = run.attempt FROM attempt "
        "JOIN run ON run.key = attempt.run "
        "WHERE attempt.key = ?1 AND run.id = ?2 AND attempt.number = ?3");
    if (query.Bind(attempt.fencing_token(), attempt.run_id(), attempt.number()).Step()) {
      return AttemptKeys{query.Int64(0), query.Int64(1), query.Bool(2)};
    }
    return absl::NotFoundError("no " + Named(attempt) + " with fencing token " +
                               std::to_string(attempt.fencing_token()));
  });
}

}  // namespace laptime::storage
