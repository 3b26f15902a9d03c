#include "agent/trainer/step_trend.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>

namespace laptime::trainer {
namespace {

using Steps = std::span<const double>;

constexpr size_t kColdWindow = 5;
constexpr double kSmallerGroup = 0.1;
constexpr double kSeparation = 4;

double Median(Steps steps) {
  std::vector<double> sorted(steps.begin(), steps.end());
  std::ranges::sort(sorted);
  return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
}

int Jumps(Steps steps) {
  const size_t side = std::max(kColdWindow, steps.size() / 12);
  int jumps = 0;
  for (size_t at = side; at + side <= steps.size(); ++at) {
    const double before = Median(steps.subspan(at - side, side));
    const double after = Median(steps.subspan(at, side));
    if (std::abs(after / before - 1) <= kJump) continue;
    ++jumps;
    at += side;  // the same change seen from its neighbours
  }
  return jumps;
}

struct Moments {
  double mean = 0;
  double variance = 0;
};

Moments MomentsOf(Steps steps) {
  const auto n = static_cast<double>(steps.size());
  Moments moments;
  moments.mean = std::accumulate(steps.begin(), steps.end(), 0.0) / n;
  for (const double step : steps)
    moments.variance += (step - moments.mean) * (step - moments.mean) / n;
  return moments;
}

bool Bimodal(Steps steps) {
  std::vector<double> sorted(steps.begin(), steps.end());
  std::ranges::sort(sorted);
  const Steps all(sorted);
  const auto n = static_cast<double>(all.size());
  const double total = std::accumulate(all.begin(), all.end(), 0.0);
  double sum = 0;
  double best = 0;
  size_t split = 0;
  for (size_t below = 1; below < all.size(); ++below) {
    sum += all[below - 1];
    const auto count = static_cast<double>(below);
    const double apart = sum / count - (total - sum) / (n - count);
    const double between = count * (n - count) * apart * apart;
    if (between <= best) continue;
    best = between;
    split = below;
  }
  const double smaller = static_cast<double>(std::min(split, all.size() - split)) / n;
  if (split == 0 || smaller < kSmallerGroup) return false;
  const Moments low = MomentsOf(all.first(split));
  const Moments high = MomentsOf(all.subspan(split));
  if (high.mean / low.mean - 1 <= kJump) return false;
  return high.mean - low.mean > kSeparation * std::sqrt((low.variance + high.variance) / 2);
}

}  // namespace

size_t ColdSteps(const std::vector<double>& seconds) {
  const Steps steps(seconds);
  for (size_t first = 0; first + 2 * kColdWindow <= steps.size() && first <= steps.size() / 2;
       ++first) {
    const Steps after = steps.subspan(first + kColdWindow);
    const double settled = Median(after.first(std::min(after.size(), 3 * kColdWindow)));
    if (std::abs(Median(steps.subspan(first, kColdWindow)) / settled - 1) <= kSettled) return first;
  }
  return 0;
}

std::optional<StepTrend> TrendOf(const std::vector<double>& seconds) {
  if (seconds.size() < kMinTrendSteps) return std::nullopt;
  const Steps steps(seconds);
  StepTrend trend;
  const size_t cold = ColdSteps(seconds);
  const Steps warm = steps.subspan(cold);
  const size_t third = warm.size() / 3;
  trend.cold_steps = static_cast<int>(cold);
  trend.warm_seconds = Median(warm);
  trend.sustained_seconds = Median(steps.last(steps.size() / 3));
  trend.drift = Median(warm.last(third)) / Median(warm.first(third)) - 1;
  trend.jumps = Jumps(warm);
  trend.bimodal = Bimodal(warm);
  return trend;
}

}  // namespace laptime::trainer
