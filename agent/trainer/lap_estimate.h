#pragma once

#include <vector>

#include "agent/trainer/step_trend.h"

namespace laptime::trainer {

// A mean with half of its 95 % interval, both in seconds.
struct MeanSeconds {
  double mean = 0;
  double half_width = 0;
};

// The mean of times that follow each other and so resemble their neighbours: by batch means
// (Schmeiser 1982), four to twenty batches, of five times or more where there are enough, Student's
// t over them. At least four times.
MeanSeconds MeanOf(const std::vector<double>& seconds);

// A whole lap predicted from a timed part: laptime.v1.EpochEstimate.
struct LapEstimate {
  double epoch_seconds = 0;
  double low_seconds = 0;
  double high_seconds = 0;
  int timed_steps = 0;
  int timed_images = 0;
  bool steady = false;
};

// What a quick lap takes of the whole one, and how narrow its interval should be. All of that share
// is used: to stop as soon as the interval looks narrow would make it too narrow.
inline constexpr double kQuickShare = 0.05;
inline constexpr double kQuickHalfWidth = 0.01;
// … but never fewer steps, of which the cold ones are left out, and batches than these.
inline constexpr int kMinQuickSteps = 12;
inline constexpr int kMinQuickBatches = 4;

// Of a lap that has `steps`.
int QuickSteps(int steps);

// A kind of work of which some pieces were timed: steps, bank batches, test batches.
struct TimedWork {
  std::vector<double> seconds;  // each timed piece
  double pieces = 0;            // in a whole lap
};

// The steps after the cold ones.
std::vector<double> WarmSteps(const std::vector<double>& seconds);

// The lap that consists of all of `parts`; their errors count as independent. A part that was timed
// whole has none.
LapEstimate EstimateLap(const std::vector<TimedWork>& parts);

}  // namespace laptime::trainer
