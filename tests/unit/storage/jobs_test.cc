#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JobsTest : public DatabaseTest {
 protected:
  JobsTest() { Seeder::AddHost(tx_); }

  void End(const std::string& run, v1::RunState state, int64_t at = 9000) {
    ASSERT_OK(tx_.MoveRun(run, v1::RUN_STATE_QUEUED, state, at));
  }

  v1::JobState StateOf(const std::string& job) { return tx_.FindJob(job).value().state(); }

  std::vector<std::string> Ids(const v1::ListJobsResponse& response) {
    std::vector<std::string> ids;
    for (const v1::Job& job : response.jobs()) ids.push_back(job.id());
    return ids;
  }
};

TEST_F(JobsTest, ReturnsAJobAsItWasSubmitted) {
  v1::Job job = Seeder::Job("j1", /*priority=*/3);
  job.add_selectors("studio/\"quoted\"");
  job.mutable_workload()->set_partial(true);
  ASSERT_OK(tx_.InsertJob({job, "{}", "key", "digest"}));
  job.set_state(v1::JOB_STATE_QUEUED);
  EXPECT_EQ(tx_.FindJob("j1").value().DebugString(), job.DebugString());
  EXPECT_EQ(Ask("SELECT spec FROM workload WHERE hash = 'abc123'"), "{}");
}

TEST_F(JobsTest, AnIdempotencyKeyIsUsedOnce) {
  Seeder::AddJob(tx_, "j1");
  ASSERT_OK_AND_ASSIGN(const auto keyed, tx_.FindJobByKey("key-j1"));
  ASSERT_TRUE(keyed.has_value());
  EXPECT_EQ(keyed->job_id, "j1");
  EXPECT_EQ(keyed->request_digest, "digest-j1");
  EXPECT_FALSE(tx_.FindJobByKey("other").value().has_value());
  EXPECT_THAT(tx_.InsertJob({Seeder::Job("j2"), "{}", "key-j1", ""}),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("inserting job j2")));
}

TEST_F(JobsTest, StateFollowsFromTheRuns) {
  Seeder::AddJob(tx_, "j1");
  for (int i = 1; i <= 4; ++i) Seeder::AddRun(tx_, "r" + std::to_string(i), "j1", 1, i);
  EXPECT_EQ(StateOf("j1"), v1::JOB_STATE_QUEUED);
  End("r1", v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(StateOf("j1"), v1::JOB_STATE_RUNNING);
  End("r2", v1::RUN_STATE_SUCCEEDED);
  End("r3", v1::RUN_STATE_LOST, 9500);
  EXPECT_FALSE(tx_.FindJob("j1").value().has_ended_unix_ms());
  End("r4", v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(StateOf("j1"), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(tx_.FindJob("j1").value().ended_unix_ms(), 9500);
  EXPECT_EQ(tx_.FindJob("j1").value().runs(), 4);
  EXPECT_EQ(tx_.FindJob("j1").value().runs_ended(), 4);
  ASSERT_OK(tx_.MoveRun("r2", v1::RUN_STATE_SUCCEEDED, v1::RUN_STATE_FAILED, 9600));
  EXPECT_EQ(StateOf("j1"), v1::JOB_STATE_FAILED);
}

TEST_F(JobsTest, ListsTheNewestFirstAndPagesStayWhenJobsAreAdded) {
  for (int i = 1; i <= 5; ++i) Seeder::AddJob(tx_, "j" + std::to_string(i));
  ASSERT_OK_AND_ASSIGN(const auto first, tx_.ListJobs({.size = 2, .token = ""}));
  EXPECT_THAT(Ids(first), ElementsAre("j5", "j4"));
  Seeder::AddJob(tx_, "j6");
  ASSERT_OK_AND_ASSIGN(const auto second,
                       tx_.ListJobs({.size = 2, .token = first.next_page_token()}));
  EXPECT_THAT(Ids(second), ElementsAre("j3", "j2"));
  ASSERT_OK_AND_ASSIGN(const auto third,
                       tx_.ListJobs({.size = 2, .token = second.next_page_token()}));
  EXPECT_THAT(Ids(third), ElementsAre("j1"));
  EXPECT_EQ(third.next_page_token(), "");
  ASSERT_OK_AND_ASSIGN(const auto exact, tx_.ListJobs({.size = 6, .token = ""}));
  EXPECT_EQ(exact.next_page_token(), "");
}

TEST_F(JobsTest, RefusesBadPages) {
  for (const std::string token :
       {"x", "r1", "j", "j0", "j-1", "jxyz", "j1 ", "j99999999999999999"}) {
    EXPECT_THAT(tx_.ListJobs({.size = 2, .token = token}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page token")))
        << token;
  }
  for (const int size : {-1, 1001}) {
    EXPECT_THAT(tx_.ListJobs({.size = size, .token = ""}),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("0 to 1000")));
  }
  EXPECT_OK(tx_.ListJobs({.size = 0, .token = ""}));
  EXPECT_OK(tx_.ListJobs({.size = 1000, .token = ""}));
}

TEST_F(JobsTest, ResolvesPrefixesAndPlaces) {
  Seeder::AddJob(tx_, "a1b2");
  Seeder::AddJob(tx_, "a1c3");
  Seeder::AddJob(tx_, "a1");
  EXPECT_EQ(tx_.ResolveJobId("a1b").value(), "a1b2");
  EXPECT_EQ(tx_.ResolveJobId("a1").value(), "a1");  // exact wins
  EXPECT_EQ(tx_.ResolveJobId("last").value(), "a1");
  EXPECT_EQ(tx_.ResolveJobId("last:3").value(), "a1b2");
  EXPECT_THAT(tx_.ResolveJobId("a"),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("job 'a' is ambiguous: a1, a1b2")));
  EXPECT_THAT(tx_.ResolveJobId("last:4"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("'last:4'")));
  for (const std::string text :
       {"last:0", "last:", "last:x", "last:-1", "last:99999999999999999999"}) {
    EXPECT_THAT(tx_.ResolveJobId(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("\n")))
        << text;
  }
  for (const std::string text : {"", "zz", "%", "a_", "a1b2 ", "' OR 1=1 --"}) {
    EXPECT_THAT(tx_.ResolveJobId(text),
                StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("no job"), HasSubstr("\n"))))
        << text;
  }
}

TEST_F(JobsTest, EventsComeInOrderAndOnce) {
  Seeder::AddJob(tx_, "j1");
  Seeder::AddJob(tx_, "j2");
  v1::JobEvent event;
  event.set_job_id("j1");
  event.set_run_id("r1");
  event.set_at_unix_ms(7);
  event.mutable_epoch_finished()->set_wall_seconds(0);
  ASSERT_OK_AND_ASSIGN(const int64_t first, tx_.InsertEvent(event));
  event.set_job_id("j2");
  ASSERT_OK(tx_.InsertEvent(event));
  event.set_job_id("j1");
  event.set_seq(99);  // the database numbers events
  ASSERT_OK_AND_ASSIGN(const int64_t third, tx_.InsertEvent(event));
  EXPECT_GT(third, first);

  ASSERT_OK_AND_ASSIGN(const auto all, tx_.Events("j1", 0, 10));
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0].seq(), first);
  EXPECT_EQ(all[1].seq(), third);
  EXPECT_TRUE(all[0].epoch_finished().has_wall_seconds());
  EXPECT_EQ(tx_.Events("j1", first, 10).value().size(), 1);
  EXPECT_EQ(tx_.Events("j1", third, 10).value().size(), 0);
  EXPECT_EQ(tx_.Events("j1", 0, 1).value().size(), 1);
  EXPECT_THAT(tx_.Events("j9", 0, 1), StatusIs(absl::StatusCode::kNotFound, "no job j9"));
  event.set_job_id("j9");
  EXPECT_THAT(tx_.InsertEvent(event), StatusIs(absl::StatusCode::kNotFound, "no job j9"));
}

}  // namespace
}  // namespace laptime::storage
