#include "storage/schema.h"

#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class SchemaTest : public DatabaseTest {
 protected:
  std::string Plan(const std::string& sql) {
    std::string plan;
    SQLite::Statement statement(database(), "EXPLAIN QUERY PLAN " + sql);
    while (statement.executeStep()) plan += statement.getColumn(3).getString() + "\n";
    return plan;
  }
};

TEST_F(SchemaTest, EveryTableIsStrict) {
  EXPECT_EQ(Ask("SELECT coalesce(group_concat(name), '') FROM pragma_table_list "
                "WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"),
            "");
}

TEST_F(SchemaTest, ViewsReadAsPeopleSpeak) {
  const v1::AttemptRef attempt = Seeder::AddAttempt(tx_);
  v1::Epoch epoch;
  epoch.set_number(1);
  epoch.set_wall_seconds(12.5);
  ASSERT_OK(tx_.InsertEpoch(attempt, epoch));
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_SUCCEEDED, 9000));
  EXPECT_EQ(Ask("SELECT device || ' ' || kind || ' ' || state || ' ' || median_epoch_seconds "
                "|| ' ' || ended_utc FROM run_summary"),
            "studio/cpu cpu SUCCEEDED 12.5 1970-01-01 00:00:09");
  EXPECT_EQ(Ask("SELECT device || ' ' || run || ' ' || epoch || ' ' || wall_seconds "
                "FROM epoch_detail WHERE newest_attempt"),
            "studio/cpu r1 1 12.5");
}

TEST_F(SchemaTest, ComparisonTakesMediansAndRatiosOfCompleteWorkOnly) {
  Seeder::AddHost(tx_);
  Seeder::AddJob(tx_, "j1");
  v1::Job partial = Seeder::Job("j2");
  partial.mutable_workload()->set_hash("def456");
  partial.mutable_workload()->set_partial(true);
  ASSERT_OK(tx_.InsertJob({partial, "{}", "key", "digest"}));
  const auto add = [&](const std::string& id, const std::string& job, int device, double seconds) {
    Seeder::AddRun(tx_, id, job, device);
    database().exec("UPDATE run SET state = 4, median_epoch_seconds = " + std::to_string(seconds) +
                    " WHERE id = '" + id + "'");
  };
  add("r1", "j1", 1, 30);
  add("r2", "j1", 1, 20);
  add("r3", "j1", 1, 100);
  add("r4", "j1", 1, 40);
  add("r5", "j1", 2, 10);
  add("r6", "j2", 1, 5);
  const std::string row =
      "SELECT runs || ' ' || median_epoch_seconds || ' ' || "
      "coalesce(ratio_to_fastest, 'none') FROM device_comparison WHERE device = ";
  EXPECT_EQ(Ask(row + "'studio/cpu' AND workload_hash = 'abc123'"), "4 35.0 3.5");
  EXPECT_EQ(Ask(row + "'studio/mps'"), "1 10.0 1.0");
  EXPECT_EQ(Ask(row + "'studio/cpu' AND workload_hash = 'def456'"), "1 5.0 none");
}

TEST_F(SchemaTest, EverydayQueriesUseIndices) {
  EXPECT_THAT(Plan("SELECT id FROM run WHERE device = 1 AND state = 1 AND coalesce((SELECT "
                   "json_extract(config, '$.devices_per_run') FROM job WHERE key = run.job), 1) <= "
                   "2 ORDER BY priority DESC, job, position, repetition LIMIT 1"),
              AllOf(HasSubstr("USING INDEX run_queue"), Not(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(Plan("SELECT key FROM attempt WHERE state < 4"), HasSubstr("attempt_open"));
  EXPECT_THAT(Plan("SELECT seq FROM event WHERE job = 1 AND seq > 5 ORDER BY seq"),
              AllOf(HasSubstr("event_by_job (job=? AND seq>?)"), Not(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(Plan("SELECT t_ms FROM sample WHERE attempt = 1 ORDER BY sensor, t_ms"),
              AllOf(HasSubstr("PRIMARY KEY (attempt=?)"), Not(HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(Plan("SELECT count(*) FROM run WHERE job = 1 AND state < 4"),
              HasSubstr("COVERING INDEX run_by_job"));
}

}  // namespace
}  // namespace laptime::storage
