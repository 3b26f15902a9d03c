#include "storage/recent_laps.h"

#include <algorithm>
#include <utility>

namespace laptime::storage {

void Laps::Add(Query query) {
  while (query.Step()) {
    ++count;
    last_number = query.Int(0);
    int column = 1;
    const auto add = [&](std::vector<double>& values) {
      if (!query.IsNull(column)) values.push_back(query.Real(column));
      ++column;
    };
    for (std::vector<double>* values : {&wall, &step, &knn, &utilization, &memory}) add(*values);
    last_loss.reset();
    if (!query.IsNull(column)) last_loss = query.Real(column);
    ++column;
    for (std::vector<double>* values : {&above_90, &mfu, &joules, &images_per_joule}) add(*values);
  }
}

int RecentLaps::LastOf(int64_t attempt) {
  if (count_ > most_laps_) ForgetAll();
  const auto found = laps_.find(attempt);
  return found == laps_.end() ? 0 : found->second.last_number;
}

const Laps& RecentLaps::Add(int64_t attempt, Query query) {
  Laps& laps = laps_[attempt];
  const int before = laps.count;
  laps.Add(std::move(query));
  count_ += laps.count - before;
  return laps;
}

void RecentLaps::Forget(int64_t attempt) {
  const auto found = laps_.find(attempt);
  if (found == laps_.end()) return;
  count_ -= found->second.count;
  laps_.erase(found);
}

void RecentLaps::ForgetAll() {
  laps_.clear();
  count_ = 0;
}

std::optional<double> MedianOf(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace laptime::storage
