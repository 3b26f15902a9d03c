#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <set>

#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::IsEmpty;

// Every statement that a query runs, and SQLite's plan for it: whether it would read the big tables
// from end to end.
class QueryPlanTest : public DatabaseTest {
 protected:
  QueryPlanTest() { Seeder::AddAttempt(tx_); }

  // "SCAN sample: SELECT …" for each statement of `query` that scans one of the tables.
  template <typename Query>
  std::vector<std::string> Scans(const std::set<std::string>& tables, Query&& query) {
    statements_.clear();
    sqlite3_trace_v2(database().getHandle(), SQLITE_TRACE_STMT, &QueryPlanTest::Keep, this);
    EXPECT_OK(query());
    sqlite3_trace_v2(database().getHandle(), 0, nullptr, nullptr);
    EXPECT_FALSE(statements_.empty());
    std::vector<std::string> scans;
    for (const std::string& sql : std::set<std::string>(statements_.begin(), statements_.end())) {
      SQLite::Statement plan(database(), "EXPLAIN QUERY PLAN " + sql);
      while (plan.executeStep()) {
        const std::string step = plan.getColumn(3).getString();
        for (const std::string& table : tables) {
          if (step == "SCAN " + table) scans.push_back(step + ": " + sql);
        }
      }
    }
    return scans;
  }

  RunFilter Where(const std::string& text) {
    RunFilter filter;
    filter.where = RunConditions::Parse(text, 1'000'000).value();
    return filter;
  }

 private:
  static int Keep(unsigned /*kind*/, void* self, void* statement, void* /*text*/) {
    static_cast<QueryPlanTest*>(self)->statements_.emplace_back(
        sqlite3_sql(static_cast<sqlite3_stmt*>(statement)));
    return 0;
  }

  std::vector<std::string> statements_;
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

// (run=last reads the newest key alone, which SQLite calls a scan.)
TEST_F(QueryPlanTest, AFilterByWhatHasAnIndexReadsNoTableWhole) {
  for (const char* text :
       {"device=studio/cpu", "host=stu*", "kind=mps", "workload=simclr-cifar10", "workload=abc",
        "job=j1", "run=r1", "state=failed", "since=30d", "label.room=b12", "note~fan",
        "batch_size=128", "device=studio/cpu,validity=clean,since=30d"}) {
    EXPECT_THAT(Scans(WithRun(), [&] { return tx_.ListRuns(Where(text), {}); }), IsEmpty()) << text;
    EXPECT_THAT(Scans(WithRun(), [&] { return tx_.MeasuredRuns(Where(text)); }), IsEmpty()) << text;
    EXPECT_THAT(Scans(WithRun(), [&] { return tx_.RunsAfter(Where(text), 0, 10); }), IsEmpty())
        << text;
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
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.SnapshotJson("r1", 0); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.SnapshotsOf({"r1", "r2"}); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.PhasesOf({"r1", "r2"}); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.EpochsAfter(1, 0, 10); }), IsEmpty());
  EXPECT_THAT(Scans(WithRun(), [&] { return tx_.SamplesAfter(1, {}, 10); }), IsEmpty());
}

// A page of samples begins where the last one ended, without reading what lies before.
TEST_F(QueryPlanTest, SamplesAreContinuedByTheirKey) {
  SQLite::Statement plan(
      database(),
      "EXPLAIN QUERY PLAN SELECT value FROM sample WHERE attempt = ?1 AND (sensor, t_ms) > (?2, "
      "?3) ORDER BY sensor, t_ms LIMIT ?4");
  ASSERT_TRUE(plan.executeStep());
  EXPECT_THAT(plan.getColumn(3).getString(),
              ::testing::HasSubstr("PRIMARY KEY (attempt=? AND (sensor,t_ms)>(?,?))"));
}

}  // namespace
}  // namespace laptime::storage
