#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "storage/sqlite/statements.h"

namespace laptime::storage {

// What a run's figures are made of, by lap, those that have the value; in the laps' order.
struct Laps {
  // What Add reads, in this order.
  static constexpr char kColumns[] =
      "number, wall_seconds, step_p50_seconds, knn_accuracy, utilization_mean_percent, "
      "peak_memory_bytes, mean_loss, utilization_above_90_fraction, mfu_fraction, energy_joules, "
      "images_per_joule";

  // Rows of table epoch, each later than those before.
  void Add(Query query);

  int count = 0;
  int last_number = 0;
  std::vector<double> wall, step, knn, utilization, memory, above_90, mfu, joules, images_per_joule;
  std::optional<double> last_loss;
};

// The laps of attempts that had one lately, so that with a new lap the earlier ones need not be
// read again. One thread.
class RecentLaps {
 public:
  // With more laps than these all are forgotten: some 20 MB.
  static constexpr int kMostLaps = 200'000;

  explicit RecentLaps(int most_laps = kMostLaps) : most_laps_(most_laps) {}

  // The number of the last lap that is remembered of the attempt; 0 where none is.
  int LastOf(int64_t attempt);

  // Remembers the query's rows as the attempt's next laps, and returns all of its laps: good until
  // the next call.
  const Laps& Add(int64_t attempt, Query query);

  void Forget(int64_t attempt);
  void ForgetAll();

 private:
  const int most_laps_;
  int count_ = 0;
  std::unordered_map<int64_t, Laps> laps_;
};

// The middle value, or the mean of the middle two; nullopt of none.
std::optional<double> MedianOf(std::vector<double> values);

}  // namespace laptime::storage
