#include <algorithm>
#include <numeric>
#include <utility>

#include "storage/epoch_columns.h"
#include "storage/sqlite/database.h"
#include "storage/transaction.h"

namespace laptime::storage {
namespace {

// "?3, ?4, …, ?N".
std::string Parameters(int first, int count) {
  std::string text;
  for (int index = first; index < first + count; ++index) {
    text += (index > first ? ", ?" : "?") + std::to_string(index);
  }
  return text;
}

std::string InsertSql() {
  const int columns = static_cast<int>(EpochColumns().size()) + 1;  // and not_a_number
  return "INSERT INTO epoch (attempt, number, " + EpochColumnNames() + ") VALUES (?1, ?2, " +
         Parameters(3, columns) + ") ON CONFLICT DO NOTHING";
}

std::optional<double> MeanOf(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> MaxOf(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return *std::max_element(values.begin(), values.end());
}

}  // namespace

absl::StatusOr<bool> Transaction::InsertEpoch(const v1::AttemptRef& attempt,
                                              const v1::Epoch& epoch) {
  const std::string doing =
      "inserting epoch " + std::to_string(epoch.number()) + " of run " + attempt.run_id();
  if (epoch.number() < 1) return absl::InvalidArgumentError(doing + ": epochs count from 1");
  const absl::StatusOr<AttemptKeys> keys = KeysOf(attempt);
  if (!keys.ok()) return keys.status();
  return Guard(doing, [&]() -> absl::StatusOr<bool> {
    static const std::string insert = InsertSql();
    Query query = Prepare(insert);
    query.Bind(keys->attempt, epoch.number());
    BindEpoch(epoch, query, 3);
    if (!query.RunChange()) return false;
    if (keys->newest) StoreFigures(keys->run, LapsWith(keys->attempt, epoch.number()));
    return true;
  });
}

void Transaction::AdoptEpochs(const AttemptKeys& keys, int epochs) {
  // The newest earlier attempt that has the epoch: of two that trained it the later one's state
  // went on.
  Prepare("INSERT INTO epoch (attempt, number, measured_in, " + EpochColumnNames() +
          ") SELECT ?1, number, coalesce(measured_in, owner), " + EpochColumnNames() +
          " FROM (SELECT epoch.*, attempt.number AS owner, row_number() OVER (PARTITION BY "
          "epoch.number ORDER BY attempt.number DESC) AS place FROM epoch JOIN attempt ON "
          "attempt.key = epoch.attempt WHERE attempt.run = ?2 AND attempt.key < ?1 AND "
          "epoch.number <= ?3) WHERE place = 1 ON CONFLICT DO NOTHING")
      .Bind(keys.attempt, keys.run, epochs)
      .Run();
  if (keys.newest) StoreFigures(keys.run, ReadLaps(keys.attempt));
}

const Laps& Transaction::LapsWith(int64_t attempt, int number) {
  const int last = recent_laps_.LastOf(attempt);
  if (last == 0 || number <= last) return ReadLaps(attempt);
  return recent_laps_.Add(attempt, std::move(Prepare(std::string("SELECT ") + Laps::kColumns +
                                                     " FROM epoch WHERE attempt = ?1 AND "
                                                     "number = ?2")
                                                 .Bind(attempt, number)));
}

const Laps& Transaction::ReadLaps(int64_t attempt) {
  recent_laps_.Forget(attempt);
  return recent_laps_.Add(attempt,
                          std::move(Prepare(std::string("SELECT ") + Laps::kColumns +
                                            " FROM epoch WHERE attempt = ?1 ORDER BY number")
                                        .Bind(attempt)));
}

void Transaction::StoreFigures(int64_t run, const Laps& laps) {
  Prepare(
      "UPDATE run SET epochs_done = ?2, median_epoch_seconds = ?3, median_step_seconds = ?4, "
      "knn_accuracy = ?5, utilization_percent = ?6, peak_memory_bytes = ?7, mean_loss = ?8, "
      "above_90_fraction = ?9, mfu_fraction = ?10, joules_per_epoch = ?11, images_per_joule = ?12 "
      "WHERE key = ?1")
      .Bind(run, laps.count, MedianOf(laps.wall), MedianOf(laps.step), MaxOf(laps.knn),
            MeanOf(laps.utilization), MaxOf(laps.memory), laps.last_loss, MeanOf(laps.above_90),
            MedianOf(laps.mfu), MedianOf(laps.joules), MedianOf(laps.images_per_joule))
      .Run();
}

}  // namespace laptime::storage
