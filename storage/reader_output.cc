#include <algorithm>

#include "storage/log_text.h"
#include "storage/reader.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"

namespace laptime::storage {
namespace {

// Joins `text` to the last piece when nothing lies between them.
void Append(int64_t offset, const std::string& text, v1::GetRunLogResponse& log) {
  if (log.pieces_size() > 0) {
    v1::LogPiece& last = *log.mutable_pieces(log.pieces_size() - 1);
    if (last.offset() + static_cast<int64_t>(last.text().size()) == offset) {
      last.mutable_text()->append(text);
      return;
    }
  }
  v1::LogPiece& piece = *log.add_pieces();
  piece.set_offset(offset);
  piece.set_text(text);
}

v1::Sensor SensorFrom(const Query& query, int first) {
  v1::Sensor sensor;
  sensor.set_name(query.Text(first));
  sensor.set_unit(query.Text(first + 1));
  sensor.set_source(query.Text(first + 2));
  sensor.set_definition(query.Text(first + 3));
  sensor.set_period_seconds(query.Real(first + 4));
  return sensor;
}

}  // namespace

absl::StatusOr<v1::GetRunLogResponse> Reader::Log(const std::string& run_id, int attempt,
                                                  int64_t from_offset) const {
  const absl::StatusOr<std::optional<int64_t>> key = AttemptKey(run_id, attempt);
  if (!key.ok()) return key.status();
  return Guard("reading log of run " + run_id, [&]() -> absl::StatusOr<v1::GetRunLogResponse> {
    v1::GetRunLogResponse log;
    Query state = Prepare("SELECT number, state >= 4 FROM attempt WHERE key = ?1");
    if (!state.Bind(*key).Step()) return log;
    log.set_attempt(state.Int(0));
    log.set_complete(state.Bool(1));
    Query query = Prepare(
        "SELECT offset, text FROM log WHERE attempt = ?1 AND offset + bytes > ?2 ORDER BY offset");
    query.Bind(*key, from_offset);
    while (query.Step()) {
      const int64_t offset = query.Int64(0);
      const std::string text = query.Text(1);
      const size_t skip =
          CharacterAt(text, static_cast<size_t>(std::max<int64_t>(from_offset - offset, 0)));
      if (skip < text.size()) Append(offset + static_cast<int64_t>(skip), text.substr(skip), log);
    }
    return log;
  });
}

absl::StatusOr<std::vector<v1::SampleSeries>> Reader::Samples(const std::string& run_id,
                                                              int attempt) const {
  const absl::StatusOr<std::optional<int64_t>> key = AttemptKey(run_id, attempt);
  if (!key.ok()) return key.status();
  return Guard("reading samples of run " + run_id,
               [&]() -> absl::StatusOr<std::vector<v1::SampleSeries>> {
                 std::vector<v1::SampleSeries> all;
                 int64_t sensor = 0;  // keys begin at 1
                 Query query = Prepare(
                     "SELECT sample.sensor, sample.t_ms, sample.value, sensor.name, sensor.unit, "
                     "sensor.source, sensor.definition, sensor.period_seconds "
                     "FROM sample CROSS JOIN sensor ON sensor.key = sample.sensor "
                     "WHERE sample.attempt = ?1 ORDER BY sample.sensor, sample.t_ms");
                 query.Bind(*key);
                 while (query.Step()) {
                   if (query.Int64(0) != sensor) {
                     sensor = query.Int64(0);
                     *all.emplace_back().mutable_sensor() = SensorFrom(query, 3);
                   }
                   all.back().add_times_ms(query.Int(1));
                   all.back().add_values(query.Real(2));
                 }
                 return all;
               });
}

absl::StatusOr<OldOutput> Reader::OutputOfRunsEndedBefore(int64_t unix_ms) const {
  return Guard("reading old samples and logs", [&]() -> absl::StatusOr<OldOutput> {
    OldOutput old;
    Query attempts = Prepare(
        "SELECT attempt.key, run.key FROM run JOIN attempt ON attempt.run = run.key "
        "WHERE run.state >= 4 AND run.ended_unix_ms < ?1 AND "
        "(EXISTS (SELECT 1 FROM sample WHERE sample.attempt = attempt.key) OR "
        "EXISTS (SELECT 1 FROM log WHERE log.attempt = attempt.key)) ORDER BY run.key, "
        "attempt.key");
    attempts.Bind(unix_ms);
    for (int64_t last_run = 0; attempts.Step(); last_run = attempts.Int64(1)) {
      old.attempts.push_back(attempts.Int64(0));
      if (attempts.Int64(1) != last_run) ++old.runs;
    }
    for (const int64_t attempt : old.attempts) {
      Query counts = Prepare(
          "SELECT (SELECT count(*) FROM sample WHERE attempt = ?1), "
          "(SELECT coalesce(sum(bytes), 0) FROM log WHERE attempt = ?1)");
      counts.Bind(attempt).Step();
      old.samples += counts.Real(0);
      old.log_bytes += counts.Real(1);
    }
    return old;
  });
}

}  // namespace laptime::storage
