#include "server/run_statistics.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <string>

namespace laptime {
namespace {

constexpr double kUpper95 = 0.975;  // the upper end of a 95 % interval
constexpr double kPower = 0.8;
constexpr double kPowerOfTwoEnds = (1 + kPower) / 2;

double StudentQuantile(double probability, double degrees_of_freedom) {
  // Doubles are precise enough; long doubles take six times as long.
  using Policy = boost::math::policies::policy<boost::math::policies::promote_double<false>>;
  return boost::math::quantile(
      boost::math::students_t_distribution<double, Policy>(degrees_of_freedom), probability);
}

Interval Around(double log_center, double log_half_width) {
  return {std::exp(log_center - log_half_width), std::exp(log_center + log_half_width)};
}

// Where Welch's degrees of freedom keep the promised 5 %.
bool WelchHolds(int fewer_runs, int more_runs) {
  return fewer_runs == more_runs || (fewer_runs >= kMinRunsForWelch && more_runs <= 2 * fewer_runs);
}

// How far two groups of at least 2 runs are apart, in logarithms.
struct Difference {
  double value;
  double standard_error;
  double degrees_of_freedom;

  double Apart() const { return std::abs(value); }
  double Error(double probability) const {
    return StudentQuantile(probability, degrees_of_freedom) * standard_error;
  }
  double Detectable(const Thresholds& thresholds) const {
    return std::max(Error(kUpper95), std::log1p(thresholds.different)) + Error(kPower);
  }
};

Difference DifferenceOf(const RunGroup& a, const RunGroup& b) {
  const double of_a = a.variance_log / a.runs;
  const double both = of_a + b.variance_log / b.runs;
  const auto [fewer, more] = std::minmax({a.runs, b.runs});
  double degrees_of_freedom = fewer - 1;
  if (WelchHolds(fewer, more) && both > 0) {
    // Satterthwaite's fraction, reduced so that small variances cannot underflow in it.
    const double share = of_a / both;
    degrees_of_freedom =
        1 / (share * share / (a.runs - 1) + (1 - share) * (1 - share) / (b.runs - 1));
  }
  return {a.mean_log - b.mean_log, std::sqrt(both), degrees_of_freedom};
}

RunGroup WithAtLeast(int runs, RunGroup group) {
  group.runs = std::max(group.runs, runs);
  return group;
}

// Whether the verdict on that many runs is likely another one than kInconclusive.
bool Decides(const Difference& difference, const Thresholds& thresholds) {
  if (difference.Apart() > std::log1p(thresholds.different)) {
    return difference.Apart() >= difference.Detectable(thresholds);
  }
  // The estimate may leave the range at either end.
  return difference.Apart() + difference.Error(kUpper95) + difference.Error(kPowerOfTwoEnds) <=
         std::log1p(thresholds.equivalent);
}

}  // namespace

double Median(std::vector<double> values) {
  std::ranges::sort(values);
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

absl::StatusOr<RunGroup> SummarizeRuns(const std::vector<double>& seconds) {
  if (seconds.empty()) return absl::InvalidArgumentError("a group has no runs");
  for (const double value : seconds) {
    if (!std::isfinite(value) || value <= 0) {
      return absl::InvalidArgumentError("a run's value must be positive and finite, not " +
                                        std::to_string(value) + " s");
    }
  }
  RunGroup group;
  group.runs = static_cast<int>(seconds.size());
  // Counted from the first one: so equal values have no variance instead of rounding errors.
  const double origin = std::log(seconds.front());
  for (const double value : seconds) group.mean_log += (std::log(value) - origin) / group.runs;
  for (const double value : seconds) {
    const double off = std::log(value) - origin - group.mean_log;
    if (group.runs > 1) group.variance_log += off * off / (group.runs - 1);
  }
  group.mean_log += origin;
  return group;
}

void AddRun(RunGroup& group, double seconds) {
  ++group.runs;
  const double off = std::log(seconds) - group.mean_log;
  group.mean_log += off / group.runs;
  if (group.runs < 2) return;
  group.variance_log += off * off / group.runs - group.variance_log / (group.runs - 1);
}

absl::StatusOr<Thresholds> MakeThresholds(std::optional<double> noise_floor,
                                          double practical_factor) {
  for (const double value : {noise_floor.value_or(0), practical_factor}) {
    if (!std::isfinite(value) || value < 0) {
      return absl::InvalidArgumentError(
          "noise floor and practical factor must be finite and not negative, not " +
          std::to_string(value));
    }
  }
  return Thresholds{.different = std::max(noise_floor.value_or(0), practical_factor),
                    .equivalent = practical_factor};
}

Comparison CompareRuns(const RunGroup& a, const RunGroup& b, const Thresholds& thresholds) {
  Comparison comparison;
  comparison.ratio = std::exp(a.mean_log - b.mean_log);
  const int fewer_runs = std::min(a.runs, b.runs);
  if (fewer_runs < 2) return comparison;
  const Difference difference = DifferenceOf(a, b);
  const double half_width = difference.Error(kUpper95);
  comparison.interval = Around(difference.value, half_width);
  comparison.degrees_of_freedom = difference.degrees_of_freedom;
  if (fewer_runs >= kMinRunsToDiffer &&
      difference.Apart() > std::max(half_width, std::log1p(thresholds.different))) {
    comparison.verdict = Verdict::kDifferent;
  } else if (difference.Apart() + half_width <= std::log1p(thresholds.equivalent)) {
    comparison.verdict = Verdict::kEquivalent;
  }
  return comparison;
}

std::optional<double> DetectableDifference(const RunGroup& a, const RunGroup& b,
                                           const Thresholds& thresholds) {
  if (std::min(a.runs, b.runs) < kMinRunsToDiffer) return std::nullopt;
  return std::expm1(DifferenceOf(a, b).Detectable(thresholds));
}

std::optional<int> RunsToDecide(const RunGroup& a, const RunGroup& b,
                                const Thresholds& thresholds) {
  const int fewer_runs = std::min(a.runs, b.runs);
  if (fewer_runs < 2 || CompareRuns(a, b, thresholds).verdict != Verdict::kInconclusive) {
    return std::nullopt;
  }
  for (int runs = fewer_runs + 1; runs <= kMaxRunsToDecide; ++runs) {
    if (Decides(DifferenceOf(WithAtLeast(runs, a), WithAtLeast(runs, b)), thresholds)) return runs;
  }
  return std::nullopt;
}

std::optional<Interval> PredictNextRun(const RunGroup& group) {
  if (group.runs < 2) return std::nullopt;
  return Around(group.mean_log, StudentQuantile(kUpper95, group.runs - 1) *
                                    std::sqrt(group.variance_log * (1 + 1.0 / group.runs)));
}

std::optional<double> RelativeHalfWidth(const RunGroup& group) {
  if (group.runs < 2) return std::nullopt;
  return std::expm1(StudentQuantile(kUpper95, group.runs - 1) *
                    std::sqrt(group.variance_log / group.runs));
}

std::optional<double> NoiseFloor(const RunGroup& group) {
  if (group.runs < kMinRunsToDiffer) return std::nullopt;
  return std::expm1(StudentQuantile(kUpper95, group.runs - 1) *
                    std::sqrt(group.variance_log * 2 / kMinRunsToDiffer));
}

}  // namespace laptime
