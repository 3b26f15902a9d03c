#include <algorithm>
#include <numeric>

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
         Parameters(3, columns) + ") ON CONFLICT DO NOTHING RETURNING number";
}

std::optional<double> MedianOf(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const size_t middle = values.size() / 2;
  std::sort(values.begin(), values.end());
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

std::optional<double> MeanOf(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::optional<double> MaxOf(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return *std::max_element(values.begin(), values.end());
}

// What a run says of its laps.
struct Laps {
  int count = 0;
  std::vector<double> wall, step, knn, utilization, memory, above_90, mfu, joules, images_per_joule;
  std::optional<double> last_loss;
};

Laps ReadLaps(Query query, int64_t attempt) {
  Laps laps;
  query.Bind(attempt);
  while (query.Step()) {
    ++laps.count;
    const auto add = [&](int column, std::vector<double>& values) {
      if (!query.IsNull(column)) values.push_back(query.Real(column));
    };
    add(0, laps.wall);
    add(1, laps.step);
    add(2, laps.knn);
    add(3, laps.utilization);
    add(4, laps.memory);
    add(6, laps.above_90);
    add(7, laps.mfu);
    add(8, laps.joules);
    add(9, laps.images_per_joule);
    laps.last_loss.reset();
    if (!query.IsNull(5)) laps.last_loss = query.Real(5);
  }
  return laps;
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
    if (!query.RunReturning()) return false;
    if (keys->newest) RenewFigures(*keys);
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
  if (keys.newest) RenewFigures(keys);
}

void Transaction::RenewFigures(const AttemptKeys& keys) {
  const Laps laps = ReadLaps(
      Prepare("SELECT wall_seconds, step_p50_seconds, knn_accuracy, utilization_mean_percent, "
              "peak_memory_bytes, mean_loss, utilization_above_90_fraction, mfu_fraction, "
              "energy_joules, images_per_joule FROM epoch WHERE attempt = ?1 ORDER BY number"),
      keys.attempt);
  Prepare(
      "UPDATE run SET epochs_done = ?2, median_epoch_seconds = ?3, median_step_seconds = ?4, "
      "knn_accuracy = ?5, utilization_percent = ?6, peak_memory_bytes = ?7, mean_loss = ?8, "
      "above_90_fraction = ?9, mfu_fraction = ?10, joules_per_epoch = ?11, images_per_joule = ?12 "
      "WHERE key = ?1")
      .Bind(keys.run, laps.count, MedianOf(laps.wall), MedianOf(laps.step), MaxOf(laps.knn),
            MeanOf(laps.utilization), MaxOf(laps.memory), laps.last_loss, MeanOf(laps.above_90),
            MedianOf(laps.mfu), MedianOf(laps.joules), MedianOf(laps.images_per_joule))
      .Run();
}

}  // namespace laptime::storage
