#pragma once

#include <optional>
#include <vector>

namespace laptime::trainer {

// How the time of a step developed within a lap: laptime.v1.StepTrend.
struct StepTrend {
  int cold_steps = 0;
  double warm_seconds = 0;
  double sustained_seconds = 0;
  double drift = 0;
  int jumps = 0;
  bool bimodal = false;
};

// Fewer steps have no trend.
inline constexpr size_t kMinTrendSteps = 12;
// A lasting change of level counts as a jump from here on, as a share of the time before it.
inline constexpr double kJump = 0.05;
// How much the medians of settled steps may differ, as a share.
inline constexpr double kSettled = 0.03;

// Steps before the first from which five in a row have a median within kSettled of the median of
// the fifteen after them. At most half of all, and none when they never settle; what changes slowly
// is drift, not warming up.
size_t ColdSteps(const std::vector<double>& seconds);

// What the step times of one lap, in their order, say:
// - cold: see ColdSteps;
// - drift: median of the last third over median of the first third of the warm steps, minus 1;
// - jumps: places where the medians of the steps before and after differ by more than kJump, a
//   twelfth of the lap on each side; neighbouring places count once;
// - bimodal: split in two so that the groups differ most (Otsu 1979), the smaller group holds at
//   least a tenth of the steps, and the means are more than Ashman's D = 4 apart (Ashman, Bird and
//   Zepf 1994 call D > 2 a clean separation; a straight slope reaches 3.5).
std::optional<StepTrend> TrendOf(const std::vector<double>& seconds);

}  // namespace laptime::trainer
