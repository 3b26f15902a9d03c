#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace laptime {

// A steady drift along a series of times, as opposed to a step. Pure.

// With fewer runs no order of them is rare enough for a 95 % interval.
inline constexpr size_t kMinTrendRuns = 5;

// How much longer the last run of a line through all takes than the first: 0.02 for 2 %.
struct Trend {
  double change = 0;
  double low = 0;  // 95 % interval
  double high = 0;
};

// The Theil-Sen line, whose slope is the median of the slopes between any two runs, with Sen's
// interval (Journal of the American Statistical Association 63, 1968). Over the number of the run,
// not over its time: of runs that follow each other within minutes the slope per hour is mere
// noise, and would be taken to the end of a series of months. `logs`: natural logarithms of times,
// oldest first. Absent with fewer than kMinTrendRuns.
std::optional<Trend> TheilSenTrend(const std::vector<double>& logs);

}  // namespace laptime
