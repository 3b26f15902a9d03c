#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunsTest : public DatabaseTest {
 protected:
  RunsTest() {
    Seeder::AddHost(tx_);
    Seeder::AddJob(tx_, "j1");
  }

  std::vector<std::string> List(const RunFilter& filter) {
    std::vector<std::string> ids;
    const v1::ListRunsResponse response = tx_.ListRuns(filter, {}).value();
    for (const v1::Run& run : response.runs()) ids.push_back(run.id());
    return ids;
  }
};

TEST_F(RunsTest, ReturnsWhatTheCoordinatorNeeds) {
  Seeder::AddRun(tx_, "r1", "j1", /*device=*/2, /*repetition=*/3);
  ASSERT_OK(tx_.RenameDevice(2, "gpu"));
  ASSERT_OK_AND_ASSIGN(const RunRow row, tx_.FindRun("r1"));
  EXPECT_EQ(row.device_key, 2);
  EXPECT_EQ(row.host_id, "h1");
  EXPECT_EQ(row.agent_device, "mps");
  EXPECT_EQ(row.config_json, R"({"epochs":2,"learning_rate":0.06,"seed":1})");
  EXPECT_EQ(row.run.device(), "studio/gpu");
  EXPECT_EQ(row.run.kind(), v1::DEVICE_KIND_MPS);
  EXPECT_EQ(row.run.device_model(), "model of mps");
  EXPECT_EQ(row.run.state(), v1::RUN_STATE_QUEUED);
  EXPECT_EQ(row.run.validity(), v1::VALIDITY_NOT_EVALUATED);
  EXPECT_EQ(row.run.repetition(), 3);
  EXPECT_EQ(row.run.seed(), 43);
  EXPECT_EQ(row.run.epochs(), 2);
  EXPECT_EQ(row.run.attempt(), 0);
  EXPECT_FALSE(row.run.has_median_epoch_seconds());
  EXPECT_FALSE(row.run.has_failure());
  EXPECT_THAT(tx_.FindRun("r9"), StatusIs(absl::StatusCode::kNotFound, "no run r9"));
}

TEST_F(RunsTest, OpenRunsAreThoseThatHaveNotEnded) {
  v1::Job pair = Seeder::Job("j2");
  (*pair.mutable_workload()->mutable_config()->mutable_fields())["devices_per_run"]
      .set_number_value(2);
  ASSERT_OK(tx_.InsertJob({pair, "{}", "key-j2", "digest-j2"}));
  Seeder::AddRun(tx_, "r1", "j2", /*device=*/2);
  Seeder::AddRun(tx_, "r2", "j1");
  Seeder::AddRun(tx_, "r3", "j1");
  ASSERT_OK(tx_.MoveRun("r2", v1::RUN_STATE_QUEUED, v1::RUN_STATE_CANCELLED, 10));
  ASSERT_OK(tx_.MoveRun("r3", v1::RUN_STATE_QUEUED, v1::RUN_STATE_RUNNING, 10));
  ASSERT_OK_AND_ASSIGN(const std::vector<OpenRun> runs, tx_.OpenRuns());
  ASSERT_EQ(runs.size(), 2);
  EXPECT_EQ(runs[0].id, "r1");
  EXPECT_EQ(runs[0].state, v1::RUN_STATE_QUEUED);
  EXPECT_EQ(runs[0].created_unix_ms, 2000);
  EXPECT_EQ(runs[0].device_key, 2);
  EXPECT_EQ(runs[0].host_id, "h1");
  EXPECT_EQ(runs[0].devices_per_run, 2);
  EXPECT_EQ(runs[1].id, "r3");
  EXPECT_EQ(runs[1].state, v1::RUN_STATE_RUNNING);
  EXPECT_EQ(runs[1].devices_per_run, 1);
  // One damaged row is no reason to look after none.
  database().exec("UPDATE job SET config = '{' WHERE id = 'j2'");
  EXPECT_EQ(tx_.OpenRuns().value().at(0).devices_per_run, 1);
}

TEST_F(RunsTest, AJobIsOpenUntilItsLastRunEnds) {
  Seeder::AddRun(tx_, "r1", "j1");
  Seeder::AddRun(tx_, "r2", "j1");
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_LOST, 10));
  EXPECT_TRUE(tx_.OutlookOf("j1").value().open);
  EXPECT_FALSE(tx_.OutlookOf("j1").value().repeats_until);
  ASSERT_OK(tx_.MoveRun("r2", v1::RUN_STATE_QUEUED, v1::RUN_STATE_FAILED, 10));
  EXPECT_FALSE(tx_.OutlookOf("j1").value().open);
  v1::Job until = Seeder::Job("j2");
  until.set_until_percent(1);
  ASSERT_OK(tx_.InsertJob({until, "{}", "key-j2", "digest-j2"}));
  EXPECT_TRUE(tx_.OutlookOf("j2").value().repeats_until);
  EXPECT_THAT(tx_.OutlookOf("j9"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no job j9")));
}

TEST_F(RunsTest, RefusesARunOfNothing) {
  EXPECT_THAT(tx_.InsertRun({"r1", "j9", 1, 1, 1, 0}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no job j9")));
  EXPECT_THAT(tx_.InsertRun({"r1", "j1", 9, 1, 1, 0}),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("key 9")));
  Seeder::AddRun(tx_, "r1", "j1");
  EXPECT_EQ(tx_.InsertRun({"r1", "j1", 1, 1, 1, 0}).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(RunsTest, AMoveHasOneWinner) {
  Seeder::AddRun(tx_, "r1", "j1");
  EXPECT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_ASSIGNED, 10));
  EXPECT_THAT(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_CANCELLED, 11),
              StatusIs(absl::StatusCode::kAborted, "run r1 is ASSIGNED, no longer QUEUED"));
  EXPECT_EQ(tx_.FindRun("r1").value().run.state(), v1::RUN_STATE_ASSIGNED);
  EXPECT_EQ(tx_.MoveRun("r9", v1::RUN_STATE_QUEUED, v1::RUN_STATE_ASSIGNED, 10).code(),
            absl::StatusCode::kNotFound);
}

TEST_F(RunsTest, StartIsTheFirstOneAndEndTheLastState) {
  Seeder::AddRun(tx_, "r1", "j1");
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_RUNNING, 10));
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_RUNNING, v1::RUN_STATE_QUEUED, 20));
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_RUNNING, 30));
  EXPECT_FALSE(tx_.FindRun("r1").value().run.has_ended_unix_ms());
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_RUNNING, v1::RUN_STATE_LOST, 40));
  EXPECT_EQ(tx_.FindRun("r1").value().run.started_unix_ms(), 10);
  EXPECT_EQ(tx_.FindRun("r1").value().run.ended_unix_ms(), 40);
}

TEST_F(RunsTest, TheQueueGoesByPriorityThenJobThenRepetition) {
  Seeder::AddJob(tx_, "j2", /*priority=*/5);
  Seeder::AddRun(tx_, "old-2", "j1", 1, 2);
  Seeder::AddRun(tx_, "old-1", "j1", 1, 1);
  Seeder::AddRun(tx_, "urgent", "j2", 1, 1);
  Seeder::AddRun(tx_, "elsewhere", "j2", 2, 1);
  std::vector<std::string> order;
  for (auto next = tx_.NextQueuedRun(1, 1).value(); next; next = tx_.NextQueuedRun(1, 1).value()) {
    order.push_back(next->id);
    ASSERT_OK(tx_.MoveRun(next->id, v1::RUN_STATE_QUEUED, v1::RUN_STATE_ASSIGNED, 0));
  }
  EXPECT_THAT(order, ElementsAre("urgent", "old-1", "old-2"));
}

TEST_F(RunsTest, TheQueueOfAJobGoesByPositionBeforeRepetition) {
  ASSERT_OK(tx_.InsertRun({"late", "j1", 1, 1, 1, 0, /*position=*/7}));
  ASSERT_OK(tx_.InsertRun({"early", "j1", 1, 2, 2, 0, /*position=*/3}));
  ASSERT_OK_AND_ASSIGN(const std::optional<QueuedRun> next, tx_.NextQueuedRun(1, 1));
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->id, "early");
  EXPECT_EQ(next->position, 3);
  EXPECT_EQ(next->priority, 0);
  EXPECT_EQ(next->job_key, 1);
  EXPECT_EQ(tx_.RunsOfJob("j1").value().front().id(), "early");
}

TEST_F(RunsTest, TellsTheDevicesOfAJob) {
  ASSERT_OK(tx_.InsertRun({"r1", "j1", 2, 1, 1, 0, /*position=*/1}));
  ASSERT_OK(tx_.InsertRun({"r2", "j1", 1, 1, 1, 0, /*position=*/0}));
  ASSERT_OK(tx_.InsertRun({"r3", "j1", 1, 2, 1, 0, /*position=*/2}));
  ASSERT_OK_AND_ASSIGN(const std::vector<JobDevice> devices, tx_.DevicesOfJob("j1"));
  ASSERT_EQ(devices.size(), 2u);
  EXPECT_EQ(devices[0].device_key, 1);
  EXPECT_EQ(devices[0].position, 0);
  EXPECT_EQ(devices[0].last_repetition, 2);
  EXPECT_EQ(devices[1].device_key, 2);
  EXPECT_EQ(devices[1].last_repetition, 1);
  EXPECT_EQ(tx_.DevicesOfJob("j9").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(RunsTest, TheQueuePassesOverRunsThatNeedMoreDevices) {
  v1::Job pairs = Seeder::Job("j2", /*priority=*/5);
  (*pairs.mutable_workload()->mutable_config()->mutable_fields())["devices_per_run"]
      .set_number_value(2);
  ASSERT_OK(tx_.InsertJob({pairs, R"({"batch_size":128})", "key", "digest"}));
  Seeder::AddRun(tx_, "pair", "j2");
  EXPECT_FALSE(tx_.NextQueuedRun(1, 1).value().has_value());
  Seeder::AddRun(tx_, "single", "j1");  // of a configuration without the key
  EXPECT_EQ(tx_.NextQueuedRun(1, 1).value()->id, "single");
  EXPECT_EQ(tx_.NextQueuedRun(1, 2).value()->id, "pair");
  EXPECT_EQ(tx_.NextQueuedRun(1, 16).value()->id, "pair");
}

TEST_F(RunsTest, FiltersAreCombined) {
  v1::Job other = Seeder::Job("j2");
  other.mutable_workload()->set_name("simclr-synthetic-cifar10");
  other.mutable_workload()->set_hash("def456");
  ASSERT_OK(tx_.InsertJob({other, "{}", "key", ""}));
  Seeder::AddRun(tx_, "r1", "j1", 1);
  Seeder::AddRun(tx_, "r2", "j1", 2);
  Seeder::AddRun(tx_, "r3", "j2", 1);
  ASSERT_OK(tx_.MoveRun("r1", v1::RUN_STATE_QUEUED, v1::RUN_STATE_FAILED, 0));
  EXPECT_THAT(List({}), ElementsAre("r3", "r2", "r1"));
  EXPECT_THAT(List({.job_id = "j1", .device_keys = {}, .workload = "", .state = {}}),
              ElementsAre("r2", "r1"));
  EXPECT_THAT(List({.job_id = "", .device_keys = {1}, .workload = "", .state = {}}),
              ElementsAre("r3", "r1"));
  EXPECT_THAT(List({.job_id = "", .device_keys = {1, 2}, .workload = "abc", .state = {}}),
              ElementsAre("r2", "r1"));
  EXPECT_THAT(List({.job_id = "", .device_keys = {}, .workload = "simclr-cifar10", .state = {}}),
              ElementsAre("r2", "r1"));
  EXPECT_THAT(List({.job_id = "j1",
                    .device_keys = {1},
                    .workload = "abc123",
                    .state = v1::RUN_STATE_FAILED}),
              ElementsAre("r1"));
  EXPECT_THAT(List({.job_id = "j9", .device_keys = {}, .workload = "", .state = {}}), IsEmpty());
  EXPECT_THAT(List({.job_id = "", .device_keys = {}, .workload = "%", .state = {}}), IsEmpty());
}

TEST_F(RunsTest, PagesStayWhenRunsAreAdded) {
  for (int i = 1; i <= 5; ++i) Seeder::AddRun(tx_, "r" + std::to_string(i), "j1");
  ASSERT_OK_AND_ASSIGN(const auto first, tx_.ListRuns({}, {.size = 3, .token = ""}));
  Seeder::AddRun(tx_, "r6", "j1");
  ASSERT_OK_AND_ASSIGN(const auto second,
                       tx_.ListRuns({}, {.size = 3, .token = first.next_page_token()}));
  ASSERT_EQ(second.runs_size(), 2);
  EXPECT_EQ(second.runs(0).id(), "r2");
  EXPECT_EQ(second.runs(1).id(), "r1");
  EXPECT_EQ(second.next_page_token(), "");
  EXPECT_EQ(tx_.ListRuns({}, {.size = 3, .token = "j1"}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RunsTest, RunsOfAJobAreOrderedByDeviceAndRepetition) {
  Seeder::AddRun(tx_, "m1", "j1", 2, 1);
  Seeder::AddRun(tx_, "c2", "j1", 1, 2);
  Seeder::AddRun(tx_, "c1", "j1", 1, 1);
  std::vector<std::string> ids;
  ASSERT_OK_AND_ASSIGN(const std::vector<v1::Run> runs, tx_.RunsOfJob("j1"));
  for (const v1::Run& run : runs) ids.push_back(run.id());
  EXPECT_THAT(ids, ElementsAre("c1", "c2", "m1"));
}

TEST_F(RunsTest, AFailureIsShownUntilItIsCleared) {
  Seeder::AddRun(tx_, "r1", "j1");
  v1::Failure failure;
  failure.set_cause(v1::FAILURE_CAUSE_SETUP);
  failure.set_message("data missing");
  failure.set_hint("fetch it");
  ASSERT_OK(tx_.SetRunFailure("r1", failure));
  EXPECT_EQ(tx_.FindRun("r1").value().run.failure().DebugString(), failure.DebugString());
  ASSERT_OK(tx_.SetRunFailure("r1", {}));
  EXPECT_FALSE(tx_.FindRun("r1").value().run.has_failure());
  EXPECT_EQ(tx_.SetRunFailure("r9", failure).code(), absl::StatusCode::kNotFound);
}

TEST_F(RunsTest, CountsEverything) {
  Seeder::AddRun(tx_, "r1", "j1");
  const Counts counts = tx_.CountAll().value();
  EXPECT_EQ(counts.hosts, 1);
  EXPECT_EQ(counts.devices, 2);
  EXPECT_EQ(counts.jobs, 1);
  EXPECT_EQ(counts.runs, 1);
}

}  // namespace
}  // namespace laptime::storage
