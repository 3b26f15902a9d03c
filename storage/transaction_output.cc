#include <algorithm>
#include <cmath>

#include "storage/log_text.h"
#include "storage/sqlite/database.h"
#include "storage/sqlite/statements.h"
#include "storage/transaction.h"

namespace laptime::storage {

absl::Status Transaction::InsertSamples(const v1::AttemptRef& attempt,
                                        const v1::SampleBatch& batch) {
  const std::string doing = "inserting samples of run " + attempt.run_id();
  for (const v1::SampleSeries& series : batch.series()) {
    if (series.times_ms_size() == series.values_size()) continue;
    return absl::InvalidArgumentError(doing + ": " + std::to_string(series.times_ms_size()) +
                                      " times but " + std::to_string(series.values_size()) +
                                      " values of " + series.sensor().name());
  }
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  return Guard(doing, [&] {
    // What was sampled already stays; NaN is no reading.
    Query insert = Prepare("INSERT INTO sample VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING");
    for (const v1::SampleSeries& series : batch.series()) {
      const int64_t sensor = SensorKey(series.sensor());
      for (int i = 0; i < series.values_size(); ++i) {
        if (std::isnan(series.values(i))) continue;
        insert.RunWith(keys->attempt, sensor, series.times_ms(i), series.values(i));
      }
    }
  });
}

int64_t Transaction::SensorKey(const v1::Sensor& sensor) {
  Query find = Prepare(
      "SELECT key FROM sensor WHERE name = ?1 AND unit = ?2 AND source = ?3 AND definition = ?4 "
      "AND period_seconds = ?5");
  find.Bind(sensor.name(), sensor.unit(), sensor.source(), sensor.definition(),
            sensor.period_seconds());
  if (find.Step()) return find.Int64(0);
  Query insert = Prepare(
      "INSERT INTO sensor (name, unit, source, definition, period_seconds) "
      "VALUES (?1, ?2, ?3, ?4, ?5)");
  insert.Bind(sensor.name(), sensor.unit(), sensor.source(), sensor.definition(),
              sensor.period_seconds());
  return insert.RunInsert();
}

absl::Status Transaction::InsertLog(const v1::AttemptRef& attempt, const v1::LogChunk& chunk) {
  const std::string doing = "inserting log of run " + attempt.run_id();
  if (chunk.offset() < 0) return absl::InvalidArgumentError(doing + ": negative offset");
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  return Guard(doing, [&] {
    const std::string& text = chunk.text();
    const int64_t end = LogEnd(keys->attempt);
    // What lies before the end is there already, or was trimmed.
    const int64_t known = std::clamp<int64_t>(end - chunk.offset(), 0, text.size());
    Query insert = Prepare("INSERT INTO log VALUES (?1, ?2, ?3, ?4)");
    for (size_t begin = CharacterAt(text, known); begin < text.size();) {
      const size_t piece_end = PieceEnd(text, begin);
      insert.RunWith(keys->attempt, chunk.offset() + static_cast<int64_t>(begin),
                     static_cast<int64_t>(piece_end - begin),
                     text.substr(begin, piece_end - begin));
      begin = piece_end;
    }
    TrimLog(keys->attempt, std::max(end, chunk.offset() + static_cast<int64_t>(text.size())));
  });
}

int64_t Transaction::LogEnd(int64_t attempt_key) const {
  Query query =
      Prepare("SELECT offset + bytes FROM log WHERE attempt = ?1 ORDER BY offset DESC LIMIT 1");
  return query.Bind(attempt_key).Step() ? query.Int64(0) : 0;
}

void Transaction::TrimLog(int64_t attempt_key, int64_t end) {
  const int64_t tail = end - kLogTailBytes;
  if (tail <= kLogHeadBytes) return;
  Prepare(
      "DELETE FROM log WHERE attempt = ?1 AND offset >= ?2 AND offset < ?3 "
      "AND offset + bytes <= ?3")
      .Bind(attempt_key, kLogHeadBytes, tail)
      .Run();
}

absl::Status Transaction::RemoveOutput(std::vector<int64_t>& attempts, int most_rows) {
  return Guard("removing samples and logs", [&] {
    int left = most_rows;
    while (!attempts.empty()) {
      const int64_t attempt = attempts.back();
      left -= Delete(
          "DELETE FROM sample WHERE (attempt, sensor, t_ms) IN "
          "(SELECT attempt, sensor, t_ms FROM sample WHERE attempt = ?1 LIMIT ?2)",
          attempt, left);
      left -= Delete(
          "DELETE FROM log WHERE rowid IN (SELECT rowid FROM log WHERE attempt = ?1 LIMIT ?2)",
          attempt, left);
      if (left <= 0) return;
      attempts.pop_back();
    }
  });
}

// The number of rows that went.
int Transaction::Delete(const std::string& sql, int64_t attempt_key, int most_rows) {
  Prepare(sql).Bind(attempt_key, most_rows).Run();
  Query changes = Prepare("SELECT changes()");
  changes.Step();
  return changes.Int(0);
}

}  // namespace laptime::storage
