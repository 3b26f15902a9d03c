#include "server/history/change_points.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "server/run_statistics.h"

namespace laptime {
namespace {

constexpr double kPenaltyFactor = 2.5;

// Of the absolute difference of two draws from a normal distribution with deviation 1:
// sqrt(2) × its 75 % quantile.
constexpr double kMedianDifference = 0.953873;

// The runs from a first one on, of which the last one is taken away again and again: Σ |x - median|
// of what is left, each in constant time. A doubly linked list of the runs in the order of their
// values, with the lower median marked.
class ShrinkingSet {
 public:
  explicit ShrinkingSet(const std::vector<double>& values)
      : count_(values.size()), rank_(count_), value_(count_ + 2), index_(count_ + 2) {
    std::vector<size_t> order(count_);
    std::iota(order.begin(), order.end(), 0);
    std::ranges::stable_sort(order, {}, [&](size_t index) { return values[index]; });
    for (size_t i = 0; i < count_; ++i) {
      rank_[order[i]] = i + 1;
      value_[i + 1] = values[order[i]];
      index_[i + 1] = order[i];
    }
  }

  // All runs from `first` on.
  void Fill(size_t first) {
    size_ = count_ - first;
    smaller_ = larger_ = 0;
    previous_.assign(count_ + 2, 0);
    next_.assign(count_ + 2, count_ + 1);
    size_t before = 0;
    size_t place = 0;
    for (size_t rank = 1; rank <= count_; ++rank) {
      if (index_[rank] < first) continue;
      previous_[rank] = before;
      next_[before] = rank;
      before = rank;
      if (place == (size_ - 1) / 2) median_ = rank;
      if (place < size_ / 2) smaller_ += value_[rank];
      if (place >= size_ - size_ / 2) larger_ += value_[rank];
      ++place;
    }
  }

  size_t size() const { return size_; }
  double Deviation() const { return std::max(0.0, larger_ - smaller_); }

  void Remove(size_t index) {
    const size_t rank = rank_[index];
    if (size_ % 2 == 1) {
      // The middle, which was in neither half, fills the gap.
      if (rank < median_) smaller_ += value_[median_] - value_[rank];
      if (rank > median_) larger_ += value_[median_] - value_[rank];
      if (rank >= median_) median_ = previous_[median_];
    } else if (rank <= median_) {
      median_ = next_[median_];
      smaller_ -= value_[rank];
      larger_ -= value_[median_];
    } else {
      smaller_ -= value_[median_];
      larger_ -= value_[rank];
    }
    next_[previous_[rank]] = next_[rank];
    previous_[next_[rank]] = previous_[rank];
    --size_;
  }

 private:
  const size_t count_;
  std::vector<size_t> rank_;  // of a run, from 1
  // By rank; 0 and count_ + 1 are the ends of the list.
  std::vector<double> value_;
  std::vector<size_t> index_;
  std::vector<size_t> previous_;
  std::vector<size_t> next_;

  size_t median_ = 0;  // the rank of the lower one
  size_t size_ = 0;
  // Sums of the halves; the middle of an odd number is in neither.
  double smaller_ = 0;
  double larger_ = 0;
};

// The best fit's levels by dynamic programming over their ends: the best fit of the first runs is
// the best of fewer runs and a last level.
std::vector<size_t> BestFit(const std::vector<double>& logs) {
  const size_t runs = logs.size();
  const double penalty = LevelPenalty(logs);
  std::vector<double> cost(runs + 1, std::numeric_limits<double>::infinity());
  std::vector<size_t> start_of_last(runs + 1, 0);
  cost[0] = 0;
  ShrinkingSet level(logs);
  for (size_t first = 0; first + kMinLevelRuns <= runs; ++first) {
    if (std::isinf(cost[first])) continue;
    level.Fill(first);
    for (size_t end = runs; end >= first + kMinLevelRuns; --end) {
      const double total = cost[first] + level.Deviation() + penalty;
      if (total < cost[end]) {
        cost[end] = total;
        start_of_last[end] = first;
      }
      level.Remove(end - 1);
    }
  }
  std::vector<size_t> starts;
  for (size_t end = runs; end > 0; end = starts.back()) starts.push_back(start_of_last[end]);
  std::ranges::reverse(starts);
  return starts;
}

double LevelMedian(const std::vector<double>& logs, const std::vector<size_t>& starts,
                   size_t level) {
  const size_t end = level + 1 < starts.size() ? starts[level + 1] : logs.size();
  return Median({logs.begin() + static_cast<ptrdiff_t>(starts[level]),
                 logs.begin() + static_cast<ptrdiff_t>(end)});
}

}  // namespace

double LevelPenalty(const std::vector<double>& logs) {
  const double least = kMinLevelRuns * std::log1p(kPracticalFactor);
  if (logs.size() < 2) return least;
  std::vector<double> differences;
  for (size_t i = 1; i < logs.size(); ++i) differences.push_back(std::abs(logs[i] - logs[i - 1]));
  const double noise = Median(differences) / kMedianDifference;
  return std::max(least, kPenaltyFactor * noise * std::log(static_cast<double>(logs.size())));
}

std::vector<size_t> FitLevels(const std::vector<double>& logs) {
  if (logs.size() < 2 * kMinLevelRuns) return std::vector<size_t>(logs.empty() ? 0 : 1, 0);
  std::vector<size_t> starts = BestFit(logs);
  // The closest neighbours first: three levels that rise by 1.5 % each become two, not one.
  while (starts.size() > 1) {
    size_t closest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t level = 1; level < starts.size(); ++level) {
      const double apart =
          std::abs(LevelMedian(logs, starts, level) - LevelMedian(logs, starts, level - 1));
      if (apart < least) {
        least = apart;
        closest = level;
      }
    }
    if (least >= std::log1p(kPracticalFactor)) break;
    starts.erase(starts.begin() + static_cast<ptrdiff_t>(closest));
  }
  return starts;
}

}  // namespace laptime
