#include <SQLiteCpp/Statement.h>

#include <cstring>
#include <set>
#include <utility>

#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// SQLite's plans for the statements that a query runs: whether it would read the big tables from
// end to end, and by which index it finds runs.
class QueryPlanTest : public DatabaseTest {
 protected:
  QueryPlanTest() { Seeder::AddAttempt(tx_); }

  // "SEARCH run USING INDEX run_by_state (state=?)" and the like.
  template <typename Query>
  std::vector<std::string> Steps(Query&& query) {
    const std::vector<std::string> statements = StatementsOf(query);
    EXPECT_FALSE(statements.empty());
    std::vector<std::string> steps;
    for (const std::string& sql : std::set<std::string>(statements.begin(), statements.end())) {
      SQLite::Statement plan(database(), "EXPLAIN QUERY PLAN " + sql);
      while (plan.executeStep()) steps.push_back(plan.getColumn(3).getString());
    }
    return steps;
  }

  // The steps that scan one of the tables.
  template <typename Query>
  std::vector<std::string> Scans(const std::set<std::string>& tables, Query&& query) {
    std::vector<std::string> steps = Steps(query);
    std::erase_if(steps, [&](const std::string& step) {
      return !step.starts_with("SCAN ") || !tables.contains(step.substr(strlen("SCAN ")));
    });
    return steps;
  }

  // How the runs are found: the last step about them, since a page joins its rows before it.
  template <typename Query>
  std::string WayToRuns(Query&& query) {
    std::string way;
    for (const std::string& step : Steps(query)) {
      if (step.starts_with("SEARCH run ") || step == "SCAN run") way = step;
    }
    return way;
  }

  RunFilter Where(const std::string& text) {
    RunFilter filter;
    filter.where = RunConditions::Parse(text, 1'000'000).value();
    return filter;
  }
};

const std::set<std::string>& BigTables() {
  static const std::set<std::string> tables = {"sample", "epoch", "log", "event", "attempt"};
  return tables;
}

std::set<std::string> WithRun() {
  std::set<std::string> tables = BigTables();
  tables.insert("run");
  return tables;
}

// A filter, and what finds the runs of a page or an export and those that were measured. Where no
// index helps a page is read in the order of its keys, and what was measured by its state.
struct Way {
  const char* filter;
  const char* page;
  const char* measured;
};
constexpr char kByKey[] = "INTEGER PRIMARY KEY (rowid";
constexpr Way kWays[] = {
    {"device=studio/cpu", "run_by_device (device=?", "run_by_state"},
    {"host=stu*", "run_by_device (device=?", "run_by_state"},
    {"kind=mps", "run_by_device (device=?", "run_by_state"},
    {"label.room=b12", "run_by_device (device=?", "run_by_state"},
    {"workload=simclr-cifar10", "run_by_job (job=?", "run_by_job (job=? AND state=?)"},
    {"workload=abc", "run_by_job (job=?", "run_by_job (job=? AND state=?)"},
    {"job=j1", "run_by_job (job=?", "run_by_job (job=? AND state=?)"},
    {"batch_size=128", "run_by_job (job=?", "run_by_job (job=? AND state=?)"},
    {"run=r1", kByKey, "run_by_state (state=?)"},
    {"state=failed", "run_by_state (state=?", "run_by_state (state=?)"},
    {"note~fan", "INTEGER PRIMARY KEY (rowid=?)", "run_by_state (state=? AND rowid=?)"},
    {"since=30d", kByKey, "run_by_state (state=?)"},
    {"validity=clean", kByKey, "run_by_state (state=?)"},
    {"device=studio/cpu,validity=clean,since=30d", "run_by_device (device=?", "run_by_state"},
};

TEST_F(QueryPlanTest, AFilterFindsRunsByItsIndex) {
  for (const Way& way : kWays) {
    const RunFilter filter = Where(way.filter);
    EXPECT_THAT(WayToRuns([&] { return tx_.ListRuns(filter, {}); }), HasSubstr(way.page))
        << way.filter;
    EXPECT_THAT(WayToRuns([&] { return tx_.RunsAfter(filter, 0, 10); }), HasSubstr(way.page))
        << way.filter;
    EXPECT_THAT(WayToRuns([&] { return tx_.MeasuredRuns(filter); }), HasSubstr(way.measured))
        << way.filter;
  }
}

// The control: without its indices every filter goes another way, so the test above would see it.
TEST_F(QueryPlanTest, WithoutItsIndexAFilterGoesAnotherWay) {
  for (const char* index : {"run_by_device", "run_by_job", "run_by_state"})
    database().exec(std::string("DROP INDEX ") + index);
  for (const Way& way : kWays) {
    if (!std::string(way.page).starts_with("run_by_")) continue;
    const RunFilter filter = Where(way.filter);
    EXPECT_THAT(WayToRuns([&] { return tx_.ListRuns(filter, {}); }), HasSubstr(kByKey))
        << way.filter;
  }
}

// A history reads the newest runs in the order of their keys, without sorting them.
TEST_F(QueryPlanTest, AHistoryIsReadInTheOrderOfItsKeys) {
  const auto with = [](const std::vector<int64_t>& devices, const std::string& workload) {
    RunFilter filter;
    filter.device_keys = devices;
    filter.workload = workload;
    return filter;
  };
  for (const auto& [filter, index] : {std::pair(with({}, ""), "run_by_state (state=?"),
                                      std::pair(with({1}, ""), "run_by_device (device=?"),
                                      std::pair(with({1, 2}, ""), "run_by_state (state=?"),
                                      std::pair(with({}, "abc"), "run_by_state (state=?")}) {
    const auto history = [&, filter = filter] { return tx_.HistoryRuns(filter, 10); };
    EXPECT_THAT(WayToRuns(history), HasSubstr(index));
    EXPECT_THAT(Steps(history), Each(Not(HasSubstr("TEMP B-TREE"))));
  }
}

// What has none reads the runs, which are thousands, but never what belongs to them.
TEST_F(QueryPlanTest, NoFilterReadsWhatBelongsToOtherRuns) {
  for (const RunField& field : RunFields()) {
    const std::string value = field.type == RunField::Type::kChoice    ? field.choices[0].first
                              : field.type == RunField::Type::kBoolean ? "true"
                              : field.type == RunField::Type::kTime    ? "2026-11-01"
                              : field.type == RunField::Type::kWindow  ? "30d"
                              : field.type == RunField::Type::kNumber  ? "1"
                                                                       : "x/y";
    const RunFilter filter = Where(field.name + "=" + value);
    EXPECT_THAT(Scans(BigTables(), [&] { return tx_.ListRuns(filter, {}); }), IsEmpty());
    EXPECT_THAT(Scans(BigTables(), [&] { return tx_.MeasuredRuns(filter); }), IsEmpty());
  }
}

TEST_F(QueryPlanTest, WhatBelongsToARunIsFoundByIt) {
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.FindRun("r1"); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.Attempts("r1"); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.Epochs("r1", 0); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.Samples("r1", 0); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.Log("r1", 0, 0); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.Annotations("r1"); }), IsEmpty());
  EXPECT_THAT(WayToRuns([&] { return tx_.OpenRuns(); }), HasSubstr("run_by_state (state=?"));
  EXPECT_THAT(WayToRuns([&] { return tx_.OutlookOf("j1"); }),
              HasSubstr("run_by_job (job=? AND state<?"));
  EXPECT_THAT(WayToRuns([&] { return tx_.MatrixRuns({"abc123"}); }), HasSubstr("run_by_job"));
  EXPECT_THAT(Steps([&] {
                return tx_.Annotations({1, 2}, 10);
              }),
              Contains(HasSubstr("annotation_by_run (run=?)")));
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.SnapshotJson("r1", 0); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.SnapshotsOf({"r1", "r2"}); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.PhasesOf({"r1", "r2"}); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.EpochsAfter(1, 0, 10); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.SamplesAfter(1, {}, 10); }), IsEmpty());
}

// What concerns one machine is found without looking at the others', of which there may be a
// thousand.
TEST_F(QueryPlanTest, OneMachineIsFoundAlone) {
  EXPECT_THAT(WayToRuns([&] { return tx_.OpenAttempts("h1"); }), HasSubstr("run_begun (device=?"));
  EXPECT_THAT(Scans({"device", "attempt"}, [&] { return tx_.OpenAttempts("h1"); }), IsEmpty());
  EXPECT_THAT(Scans({"device", "device_label"}, [&] { return tx_.Devices("h1"); }), IsEmpty());
}

// A page of samples begins where the last one ended, without reading what lies before.
TEST_F(QueryPlanTest, SamplesAreContinuedByTheirKey) {
  SQLite::Statement plan(
      database(),
      "EXPLAIN QUERY PLAN SELECT value FROM sample WHERE attempt = ?1 AND (sensor, t_ms) > (?2, "
      "?3) ORDER BY sensor, t_ms LIMIT ?4");
  ASSERT_TRUE(plan.executeStep());
  EXPECT_THAT(plan.getColumn(3).getString(),
              HasSubstr("PRIMARY KEY (attempt=? AND (sensor,t_ms)>(?,?))"));
}

}  // namespace
}  // namespace laptime::storage
