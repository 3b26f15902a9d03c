#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime {

// The statistics of groups of runs. Pure functions.
//
// A run has one value, its median lap in seconds. All is computed with the natural logarithms of
// the values, which are taken as normally distributed: what slows a device down multiplies. So a
// mean is a geometric one, a difference of means is a ratio, and what is symmetric is so in
// logarithms: "± 2 %" is from 1/1.02 to 1.02, "further apart than 2 %" is beyond these, and to
// exchange the two groups changes no verdict.
//
// t(p, v) below is the p-quantile of Student's distribution with v degrees of freedom; n, mean and
// sd are of the logarithms of a group.

// The middle value, or the mean of the two in the middle, of at least one.
double Median(std::vector<double> values);

// What the functions need to know of a group.
struct RunGroup {
  int runs = 0;             // at least 1
  double mean_log = 0;      // the mean of the logarithms of the seconds
  double variance_log = 0;  // their variance, divided by runs - 1; 0 for a single run
};

// kInvalidArgument: there is no value, or one that is not a positive, finite number.
absl::StatusOr<RunGroup> SummarizeRuns(const std::vector<double>& seconds);

// The group with one run more, or the group of that run alone when `group.runs` is 0 (Welford,
// Technometrics 4, 1962). `seconds` is positive and finite.
void AddRun(RunGroup& group, double seconds);

// A difference below this fraction is of no use to anybody.
inline constexpr double kPracticalFactor = 0.02;

// What a verdict measures a ratio with.
struct Thresholds {
  double different = kPracticalFactor;   // further from 1 than by this factor
  double equivalent = kPracticalFactor;  // within ± this factor; at most `different`
};

// A difference must exceed the larger of `practical_factor` and `noise_floor`, the larger one of
// the two devices if it is known; equivalence is within the practical factor. All are fractions,
// 0.02 for 2 %. kInvalidArgument: one is negative or not finite.
absl::StatusOr<Thresholds> MakeThresholds(std::optional<double> noise_floor,
                                          double practical_factor = kPracticalFactor);

struct Interval {
  double low = 0;
  double high = 0;
};

enum class Verdict { kInconclusive, kDifferent, kEquivalent };

// Groups of fewer runs than this are never different.
inline constexpr int kMinRunsToDiffer = 3;
// Groups of unequal size want so many in the smaller one for Welch's degrees of freedom.
inline constexpr int kMinRunsForWelch = 6;

struct Comparison {
  // exp(mean A - mean B): 1.25 when A's laps take 25 % longer than B's.
  double ratio = 1;

  // The 95 % confidence interval of the ratio, exp(mean A - mean B ± t(0.975, v) s) with the
  // standard error s = sqrt(sd² A / n A + sd² B / n B) and v degrees of freedom (Welch, Biometrika
  // 34, 1947; v: Satterthwaite, Biometrics Bulletin 2, 1946). When one group is more than twice the
  // other, or is larger and there are fewer than kMinRunsForWelch in the other, v is the smaller
  // n - 1 instead: Welch's is too bold there, with 12 % false alarms when it is 2 against 20, and
  // 6.9 % when it is 3 against 6 and the 3 scatter three times as much. Where it is kept there are
  // 5.3 % at most.
  //
  // Absent with fewer than 2 runs on a side, which do not tell how runs scatter. When neither group
  // scatters at all (rounded values, copies) it is the ratio itself and v the smaller n - 1: only
  // the thresholds decide then.
  std::optional<Interval> interval;
  std::optional<double> degrees_of_freedom;

  // kDifferent: the interval excludes 1, the ratio is beyond the threshold, and there are
  // kMinRunsToDiffer on both sides. kEquivalent: the interval lies within its threshold.
  Verdict verdict = Verdict::kInconclusive;
};

// A beside B.
Comparison CompareRuns(const RunGroup& a, const RunGroup& b, const Thresholds& thresholds = {});

// The difference that groups of this size and scatter show: had the devices differed by so much
// (0.05: the slower takes 5 % longer) or more, the verdict would be kDifferent with a probability
// of at least 80 % (as far as Welch's degrees of freedom are right: 79.8 % in the worst simulated
// case).
//
// In logarithms it is max(t(0.975, v) s, threshold) + t(0.8, v) s. kDifferent asks the observed
// difference to exceed the first summand, and with probability 0.8 the observed one does not fall
// short of the true one by more than the second (Bloom, Evaluation Review 19, 1995; the threshold
// is ours). It is about this comparison: s is its own, and a repetition may scatter more.
//
// Absent with fewer than kMinRunsToDiffer on a side.
std::optional<double> DetectableDifference(const RunGroup& a, const RunGroup& b,
                                           const Thresholds& thresholds = {});

// RunsToDecide is never more: nobody waits for it.
inline constexpr int kMaxRunsToDecide = 100;

// How many runs it takes on each side (a larger group stays as it is) to turn kInconclusive into
// one of the other verdicts with a probability of about 80 %, if ratio and scatter are as they
// seem. Absent when that is more than kMaxRunsToDecide, when no number does it (the ratio lies
// between the thresholds), with fewer than 2 runs on a side, and when the verdict is another one.
std::optional<int> RunsToDecide(const RunGroup& a, const RunGroup& b,
                                const Thresholds& thresholds = {});

// Where the next run's value, in seconds, falls with a probability of 95 % if it is of the same
// kind: exp(mean ± t(0.975, n-1) sd sqrt(1 + 1/n)) (Hahn and Meeker, Statistical Intervals, 1991).
// Absent for a single run.
std::optional<Interval> PredictNextRun(const RunGroup& group);

// By which fraction h the group's mean may be off: its 95 % confidence interval is the mean divided
// by 1 + h to the mean times 1 + h = exp(t(0.975, n-1) sd / sqrt(n)). Absent for a single run.
std::optional<double> RelativeHalfWidth(const RunGroup& group);

// The smallest difference, as a fraction, that can be called real between two groups of
// kMinRunsToDiffer runs that scatter as these do: exp(t(0.975, n-1) sd sqrt(2 / kMinRunsToDiffer))
// - 1 with n and sd of these. It is what Thresholds take as a noise floor. Absent with fewer than
// kMinRunsToDiffer.
std::optional<double> NoiseFloor(const RunGroup& group);

}  // namespace laptime
