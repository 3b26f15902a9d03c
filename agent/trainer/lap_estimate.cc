#include "agent/trainer/lap_estimate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <span>

namespace laptime::trainer {
namespace {

constexpr size_t kMinBatches = 4;
constexpr size_t kMaxBatches = 20;
constexpr size_t kBatchTimes = 5;

// Student's t, 97.5 % quantile, 1 … 19 degrees of freedom.
double StudentT(size_t degrees) {
  constexpr std::array<double, kMaxBatches - 1> kQuantiles = {
      12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
      2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093};
  return kQuantiles[std::min(degrees, kQuantiles.size()) - 1];
}

double Mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

MeanSeconds MeanOf(const std::vector<double>& seconds) {
  const size_t batches = std::clamp(seconds.size() / kBatchTimes, kMinBatches, kMaxBatches);
  const size_t size = seconds.size() / batches;
  // What does not fill a batch is left out at the beginning.
  const auto used = std::span(seconds).last(batches * size);
  std::vector<double> means;
  for (size_t batch = 0; batch < batches; ++batch)
    means.push_back(Mean(used.subspan(batch * size, size)));
  const double mean = Mean(means);
  double squares = 0;
  for (const double one : means) squares += (one - mean) * (one - mean);
  const auto n = static_cast<double>(batches);
  return {Mean(seconds), StudentT(batches - 1) * std::sqrt(squares / (n - 1) / n)};
}

std::vector<double> WarmSteps(const std::vector<double>& seconds) {
  return {seconds.begin() + static_cast<std::ptrdiff_t>(ColdSteps(seconds)), seconds.end()};
}

int QuickSteps(int steps) {
  return std::min(steps,
                  std::max(kMinQuickSteps, static_cast<int>(std::ceil(kQuickShare * steps))));
}

LapEstimate EstimateLap(const std::vector<TimedWork>& parts) {
  LapEstimate lap;
  double squares = 0;
  for (const TimedWork& part : parts) {
    if (static_cast<double>(part.seconds.size()) >= part.pieces) {  // nothing is left to predict
      lap.epoch_seconds += part.pieces * Mean(part.seconds);
      continue;
    }
    const MeanSeconds piece = MeanOf(part.seconds);
    lap.epoch_seconds += part.pieces * piece.mean;
    squares += std::pow(part.pieces * piece.half_width, 2);
  }
  lap.low_seconds = lap.epoch_seconds - std::sqrt(squares);
  lap.high_seconds = lap.epoch_seconds + std::sqrt(squares);
  lap.steady = std::sqrt(squares) <= kQuickHalfWidth * lap.epoch_seconds;
  return lap;
}

}  // namespace laptime::trainer
