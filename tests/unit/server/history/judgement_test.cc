#include "server/history/judgement.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "server/run_statistics.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;

v1::HistorySeries Series(const std::vector<double>& seconds) {
  v1::HistorySeries series;
  for (const double value : seconds) {
    v1::HistoryPoint& point = *series.add_points();
    point.set_run_id("r" + std::to_string(series.points_size()));
    point.set_seconds(value);
    point.set_validity(v1::VALIDITY_CLEAN);
  }
  return series;
}

std::vector<std::string> Verdicts(const v1::HistorySeries& series) {
  std::vector<std::string> verdicts;
  for (const v1::HistoryPoint& point : series.points()) verdicts.push_back(point.verdict());
  return verdicts;
}

TEST(JudgementTest, ARunIsJudgedByThoseBeforeIt) {
  v1::HistorySeries series = Series({100, 102, 98, 101, 130, 100, 60});
  JudgeSeries(series);
  EXPECT_THAT(Verdicts(series),
              ElementsAre("", "", "", "expected", "slower", "expected", "faster"));
  EXPECT_FALSE(series.points(2).has_low_seconds());
  const Interval expected = *PredictNextRun(SummarizeRuns({100, 102, 98, 101}).value());
  EXPECT_NEAR(series.points(4).low_seconds(), expected.low, 1e-9);
  EXPECT_NEAR(series.points(4).high_seconds(), expected.high, 1e-9);
}

TEST(JudgementTest, TheNextRunIsExpectedAmongAll) {
  v1::HistorySeries series = Series({100, 102, 98, 101});
  JudgeSeries(series);
  const RunGroup all = SummarizeRuns({100, 102, 98, 101}).value();
  EXPECT_NEAR(series.mean_seconds(), 100.24, 0.01);
  EXPECT_NEAR(series.low_seconds(), PredictNextRun(all)->low, 1e-9);
  EXPECT_NEAR(series.high_seconds(), PredictNextRun(all)->high, 1e-9);
  EXPECT_EQ(series.changes_size(), 0);
  series = Series({100, 102});
  JudgeSeries(series);
  EXPECT_NEAR(series.mean_seconds(), 101, 0.01);
  EXPECT_FALSE(series.has_low_seconds());
}

TEST(JudgementTest, AChangeStartsANewLevel) {
  v1::HistorySeries series =
      Series({100, 101, 99, 100, 101, 100, 110, 111, 109, 110, 111, 109, 118});
  JudgeSeries(series);
  ASSERT_EQ(series.changes_size(), 1);
  EXPECT_EQ(series.changes(0).point(), 6);
  EXPECT_EQ(series.changes(0).run_id(), "r7");
  EXPECT_NEAR(series.changes(0).before_seconds(), 100, 1e-9);
  EXPECT_NEAR(series.changes(0).after_seconds(), 110, 1e-9);
  EXPECT_THAT(Verdicts(series), ElementsAre("", "", "", "expected", "expected", "expected", "", "",
                                            "", "expected", "expected", "expected", "slower"));
  EXPECT_GT(series.mean_seconds(), 109);
  EXPECT_GT(series.low_seconds(), 100);
}

TEST(JudgementTest, RunsThatDoNotCountAreShownAndNothingElse) {
  v1::HistorySeries series = Series({100, 300, 102, 98, 150, 101, 500, 100.5, 100, 99.5});
  for (const int spoiled : {1, 4, 6})
    series.mutable_points(spoiled)->set_validity(spoiled == 4 ? v1::VALIDITY_INVALID
                                                              : v1::VALIDITY_CONTAMINATED);
  JudgeSeries(series);
  v1::HistorySeries clean = Series({100, 102, 98, 101, 100.5, 100, 99.5});
  JudgeSeries(clean);
  EXPECT_EQ(series.mean_seconds(), clean.mean_seconds());
  EXPECT_EQ(series.low_seconds(), clean.low_seconds());
  EXPECT_EQ(series.trend_percent(), clean.trend_percent());
  EXPECT_EQ(series.changes_size(), 0);
  EXPECT_EQ(series.points(4).verdict(), "");
  EXPECT_EQ(series.points(4).low_seconds(), clean.points(3).low_seconds());
  EXPECT_EQ(series.points(5).verdict(), "expected");
}

TEST(JudgementTest, ChangesAreNumberedAmongAllPoints) {
  v1::HistorySeries series = Series({100, 101, 99, 400, 100, 110, 400, 111, 109, 110});
  for (const int spoiled : {3, 6})
    series.mutable_points(spoiled)->set_validity(v1::VALIDITY_CONTAMINATED);
  JudgeSeries(series);
  ASSERT_EQ(series.changes_size(), 1);
  EXPECT_EQ(series.changes(0).point(), 5);
  // Its new level has the runs 5, 7, 8 and 9.
  EXPECT_EQ(series.points(8).verdict(), "");
  EXPECT_EQ(series.points(9).verdict(), "expected");
}

TEST(JudgementTest, TrendIsOfThePresentLevel) {
  v1::HistorySeries series =
      Series({200, 201, 199, 200, 201, 199, 100, 100.2, 100.4, 100.6, 100.8});
  JudgeSeries(series);
  ASSERT_EQ(series.changes_size(), 1);
  EXPECT_NEAR(series.trend_percent(), 0.8, 0.01);
  EXPECT_LE(series.trend_low_percent(), series.trend_percent());
  EXPECT_GE(series.trend_high_percent(), series.trend_percent());
  series = Series({100, 101, 102, 103});
  JudgeSeries(series);
  EXPECT_FALSE(series.has_trend_percent());
}

TEST(JudgementTest, NothingThatCountsIsNothingToSay) {
  v1::HistorySeries series = Series({100, 100});
  for (v1::HistoryPoint& point : *series.mutable_points()) point.set_validity(v1::VALIDITY_INVALID);
  JudgeSeries(series);
  EXPECT_FALSE(series.has_mean_seconds());
  EXPECT_FALSE(series.has_low_seconds());
}

}  // namespace
}  // namespace laptime
