#include "client/history_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

v1::GetHistoryResponse Changed() {
  return FromText<v1::GetHistoryResponse>(R"(
    series {
      device: "box/cpu" workload: "simclr-cifar10" workload_hash: "1a2b3c4d5e6f" segment: "aa"
      software: "Debian 12, LibTorch 2.11.0" source: "measured"
      points { run_id: "r1" at_unix_ms: 1700000000000 seconds: 10.0 validity: VALIDITY_CLEAN }
      points { run_id: "r2" at_unix_ms: 1700000060000 seconds: 10.2 validity: VALIDITY_CLEAN
               verdict: "slower" low_seconds: 9.8 high_seconds: 10.1
               annotations { author: "ada" text: "fan replaced" } }
      points { run_id: "r3" at_unix_ms: 1700000120000 seconds: 15 validity: VALIDITY_CONTAMINATED }
      points { run_id: "r4" at_unix_ms: 1700000180000 seconds: 11.0 validity: VALIDITY_CLEAN }
      changes { point: 3 run_id: "r4" before_seconds: 10.1 after_seconds: 11.0 }
      mean_seconds: 11.0
    })");
}

v1::GetHistoryResponse Long(int points) {
  v1::GetHistoryResponse history = Changed();
  v1::HistorySeries& series = *history.mutable_series(0);
  series.clear_changes();
  series.clear_points();
  for (int i = 0; i < points; ++i) {
    v1::HistoryPoint& point = *series.add_points();
    point.set_run_id("run-" + std::to_string(i));
    point.set_seconds(10 + 0.01 * i);
    point.set_validity(v1::VALIDITY_CLEAN);
  }
  return history;
}

void AddPublished(v1::GetHistoryResponse& history) {
  *history.add_series() = FromText<v1::HistorySeries>(R"(
    device: "mac/mps" workload: "simclr-cifar10" source: "somebody's table"
    points { at_unix_ms: 1700000000000 seconds: 405 validity: VALIDITY_NOT_EVALUATED })");
}

TEST(HistoryViewTest, ShowsRunsAndWhereTheLevelChanges) {
  const UtcZone utc;
  const std::string page = HistoryPage(Changed(), false, false);
  EXPECT_THAT(page, StartsWith("simclr-cifar10 1a2b3c4d on box/cpu, Debian 12, LibTorch 2.11.0\n"
                               "▁▂·█\n"
                               "STARTED "));
  EXPECT_THAT(page,
              HasSubstr("2023-11-14 22:14:20  r2   10.2 s  9.80 s to 10.1 s  +2.5 %  slower"));
  EXPECT_THAT(page, HasSubstr("fan replaced (ada)\n"));
  EXPECT_THAT(page, HasSubstr("contaminated"));
  // Right above the run that it begins with.
  EXPECT_THAT(page, HasSubstr("\n── 8.9 % slower from here (10.1 s → 11.0 s)\n"
                              "2023-11-14 22:16:20  r4"));
  EXPECT_THAT(page, HasSubstr("level     11.0 s over 1 run\n"));
  EXPECT_THAT(page, HasSubstr("three runs that count tell"));
}

TEST(HistoryViewTest, ChangesOfNoRunAreLeftOut) {
  v1::GetHistoryResponse history = Changed();
  for (const int point : {-1, 4, 1 << 30}) {
    v1::ChangePoint& change = *history.mutable_series(0)->add_changes();
    change.set_point(point);
    change.set_before_seconds(1);
    change.set_after_seconds(2);
  }
  EXPECT_EQ(HistoryPage(history, true, false), HistoryPage(Changed(), true, false));
  EXPECT_EQ(RenderCsv(HistoryGrid(history)), RenderCsv(HistoryGrid(Changed())));
}

TEST(HistoryViewTest, LeavesOutColumnsThatSayNothing) {
  const std::string page = HistoryPage(Long(3), false, false);
  EXPECT_THAT(page, Not(HasSubstr("VALIDITY")));
  EXPECT_THAT(page, Not(HasSubstr("REMARKS")));
}

TEST(HistoryViewTest, SaysWhereTheNextRunIsExpected) {
  v1::GetHistoryResponse history = Long(6);
  v1::HistorySeries& series = *history.mutable_series(0);
  series.set_mean_seconds(10);
  series.set_low_seconds(9.9);
  series.set_high_seconds(10.1);
  series.set_trend_percent(0.4);
  series.set_trend_low_percent(-0.02);
  series.set_trend_high_percent(1.1);
  const std::string page = HistoryPage(history, false, false);
  EXPECT_THAT(page, HasSubstr("level     10.0 s over 6 runs\n"));
  EXPECT_THAT(page, HasSubstr("trend     none for certain: +0.4 % from first to last "
                              "(95 % interval 0.0 % to +1.1 %)\n"));
  EXPECT_THAT(page, HasSubstr("next run  9.90 s to 10.1 s (95 %)\n"));
  series.set_trend_low_percent(0.1);
  EXPECT_THAT(HistoryPage(history, false, false), HasSubstr("trend     +0.4 % from"));
}

TEST(HistoryViewTest, ShowsTheNewestRunsAndSaysHowManyAreOlder) {
  v1::GetHistoryResponse history = Long(kMostRowsOfSeries + 3);
  history.mutable_series(0)->set_runs_left_out(4);
  v1::ChangePoint& change = *history.mutable_series(0)->add_changes();
  change.set_point(2);
  std::string page = HistoryPage(history, false, false);
  EXPECT_THAT(page, HasSubstr("\n… 7 older, with 1 change; -o wide, csv or json has 3\n"));
  EXPECT_THAT(page, Not(HasSubstr("run-2 ")));
  EXPECT_THAT(page, HasSubstr("run-3 "));
  EXPECT_THAT(page, HasSubstr("run-22 "));
  page = HistoryPage(history, true, false);
  EXPECT_THAT(page, HasSubstr("run-0 "));
  EXPECT_THAT(page, HasSubstr("\n… 4 older; --since shows less\n"));
}

TEST(HistoryViewTest, ManySeriesAreCounted) {
  v1::GetHistoryResponse history = Changed();
  for (int i = 0; i < kMostSeriesShown + 1; ++i) *history.add_series() = history.series(0);
  const std::string page = HistoryPage(history, false, false);
  EXPECT_THAT(page, HasSubstr("… 2 more series"));
  EXPECT_THAT(HistoryPage(history, true, false), Not(HasSubstr("more series")));
}

TEST(HistoryViewTest, WhatWasMeasuredElsewhereStandsApart) {
  v1::GetHistoryResponse history = Changed();
  AddPublished(history);
  std::string page = HistoryPage(history, false, false);
  EXPECT_THAT(page, HasSubstr("1 result measured elsewhere, it is not known when"));
  EXPECT_THAT(page, Not(HasSubstr("somebody's table")));
  EXPECT_THAT(HistoryPage(history, true, false), HasSubstr("somebody's table"));
  v1::GetHistoryResponse alone;
  AddPublished(alone);
  page = HistoryPage(alone, false, false);
  EXPECT_THAT(page, StartsWith("Measured elsewhere, it is not known when:\nDEVICE"));
  EXPECT_THAT(page, HasSubstr("6m45"));
}

TEST(HistoryViewTest, RowsForScripts) {
  v1::GetHistoryResponse history = Changed();
  AddPublished(history);
  const std::string csv = RenderCsv(HistoryGrid(history));
  EXPECT_THAT(csv, StartsWith("device,workload,run_id,at_unix_ms,seconds,low_seconds,high_seconds,"
                              "verdict,validity,change_percent,annotations,workload_hash,segment,"
                              "software,source\n"));
  EXPECT_THAT(csv, HasSubstr("\nbox/cpu,simclr-cifar10,r2,2023-11-14T22:14:20Z,10.2,9.8,10.1,"
                             "slower,clean,,fan replaced (ada),1a2b3c4d5e6f,aa,"
                             "\"Debian 12, LibTorch 2.11.0\",measured\n"));
  EXPECT_THAT(csv, HasSubstr(",contaminated,,"));
  EXPECT_THAT(csv, HasSubstr("clean,8.910891089108"));
  // The time of an import is none of the measurement.
  EXPECT_THAT(csv, HasSubstr("\nmac/mps,simclr-cifar10,,,405,,,,not evaluated,,,,,,"
                             "somebody's table\n"));
}

TEST(HistoryViewTest, TextsFromElsewhereAreHarmless) {
  v1::GetHistoryResponse history = Changed();
  history.mutable_series(0)->set_software("evil\033[2J\nname");
  history.mutable_series(0)->mutable_points(1)->mutable_annotations(0)->set_text("line\nbreak\033");
  const std::string page = HistoryPage(history, false, false);
  EXPECT_THAT(page, Not(HasSubstr("\033")));
  EXPECT_THAT(page, HasSubstr("line?break?"));
  EXPECT_EQ(std::ranges::count(page, '\n'),
            std::ranges::count(HistoryPage(Changed(), false, false), '\n'));
}

}  // namespace
}  // namespace laptime::client
