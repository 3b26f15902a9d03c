#include "server/history/judgement.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "server/history/change_points.h"
#include "server/history/trend.h"
#include "server/run_statistics.h"
#include "server/validity/validity.h"

namespace laptime {
namespace {

constexpr double kPercent = 100;

// The points that count.
struct Baseline {
  std::vector<int> points;  // their indices
  std::vector<double> logs;
};

Baseline BaselineOf(const v1::HistorySeries& series) {
  Baseline baseline;
  for (int i = 0; i < series.points_size(); ++i) {
    if (!Counts(series.points(i).validity())) continue;
    baseline.points.push_back(i);
    baseline.logs.push_back(std::log(series.points(i).seconds()));
  }
  return baseline;
}

double MedianSeconds(const Baseline& baseline, size_t begin, size_t end) {
  return std::exp(Median({baseline.logs.begin() + static_cast<ptrdiff_t>(begin),
                          baseline.logs.begin() + static_cast<ptrdiff_t>(end)}));
}

void AddChanges(const Baseline& baseline, const std::vector<size_t>& starts,
                v1::HistorySeries& series) {
  for (size_t level = 1; level < starts.size(); ++level) {
    const size_t end = level + 1 < starts.size() ? starts[level + 1] : baseline.logs.size();
    v1::ChangePoint& change = *series.add_changes();
    change.set_point(baseline.points[starts[level]]);
    change.set_run_id(series.points(change.point()).run_id());
    change.set_before_seconds(MedianSeconds(baseline, starts[level - 1], starts[level]));
    change.set_after_seconds(MedianSeconds(baseline, starts[level], end));
  }
}

// Sets low_seconds and high_seconds where the group allows.
template <typename Message>
void Expect(const RunGroup& group, Message& message) {
  if (group.runs < kMinRunsToExpect) return;
  const std::optional<Interval> next = PredictNextRun(group);
  message.set_low_seconds(next->low);
  message.set_high_seconds(next->high);
}

void Judge(v1::HistoryPoint& point) {
  if (!point.has_low_seconds()) return;
  point.set_verdict(point.seconds() > point.high_seconds()  ? "slower"
                    : point.seconds() < point.low_seconds() ? "faster"
                                                            : "expected");
}

// Returns the present level.
RunGroup JudgePoints(v1::HistorySeries& series) {
  RunGroup level;
  auto change = series.changes().begin();
  for (int i = 0; i < series.points_size(); ++i) {
    if (change != series.changes().end() && change->point() == i) {
      level = RunGroup();
      ++change;
    }
    v1::HistoryPoint& point = *series.mutable_points(i);
    Expect(level, point);
    if (!Counts(point.validity())) continue;
    Judge(point);
    AddRun(level, point.seconds());
  }
  return level;
}

}  // namespace

void JudgeSeries(v1::HistorySeries& series) {
  const Baseline baseline = BaselineOf(series);
  if (baseline.points.empty()) return;
  const std::vector<size_t> starts = FitLevels(baseline.logs);
  AddChanges(baseline, starts, series);
  const RunGroup level = JudgePoints(series);
  series.set_mean_seconds(std::exp(level.mean_log));
  Expect(level, series);
  const auto trend = TheilSenTrend(
      {baseline.logs.begin() + static_cast<ptrdiff_t>(starts.back()), baseline.logs.end()});
  if (!trend) return;
  series.set_trend_percent(kPercent * trend->change);
  series.set_trend_low_percent(kPercent * trend->low);
  series.set_trend_high_percent(kPercent * trend->high);
}

}  // namespace laptime
