#include "server/repeat_until.h"

#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

v1::Job UntilJob(double percent, int most = 10) {
  v1::Job job;
  job.set_until_percent(percent);
  job.set_most_repeats(most);
  return job;
}

v1::Run Ended(double seconds, v1::Validity validity = v1::VALIDITY_CLEAN) {
  v1::Run run;
  run.set_device("box/cpu");
  run.set_state(v1::RUN_STATE_SUCCEEDED);
  run.set_validity(validity);
  run.set_median_epoch_seconds(seconds);
  return run;
}

v1::Run Ended(v1::RunState state) {
  v1::Run run;
  run.set_device("box/cpu");
  run.set_state(state);
  return run;
}

v1::DeviceRepeats Judged(const v1::Job& job, std::vector<v1::Run> runs) {
  for (size_t i = 0; i < runs.size(); ++i) runs[i].set_repetition(static_cast<int>(i) + 1);
  const std::vector<v1::DeviceRepeats> judged = JudgeRepeats(job, runs);
  EXPECT_EQ(judged.size(), 1u);
  return judged.empty() ? v1::DeviceRepeats() : judged.front();
}

// t(0.975, 2) = 4.303: runs 1 % apart in the logarithm have a half-width of 2.516 %.
TEST(JudgeRepeatsTest, StopsWhenTheIntervalIsNarrow) {
  const std::vector<v1::Run> runs = {Ended(100), Ended(100 * std::exp(0.01)),
                                     Ended(100 * std::exp(-0.01))};
  const v1::DeviceRepeats wide = Judged(UntilJob(2.5), runs);
  EXPECT_NEAR(wide.half_width_percent(), 100 * std::expm1(4.30265 * 0.01 / std::sqrt(3.0)), 1e-4);
  EXPECT_EQ(wide.state(), kRepeatsGoOn);
  EXPECT_EQ(Judged(UntilJob(2.6), runs).state(), kRepeatsNarrow);
  EXPECT_EQ(Judged(UntilJob(2.5, 3), runs).state(), kRepeatsSpent);
}

TEST(JudgeRepeatsTest, WaitsForRunsUnderWay) {
  EXPECT_EQ(
      Judged(UntilJob(50), {Ended(1), Ended(1), Ended(1), Ended(v1::RUN_STATE_RUNNING)}).state(),
      kRepeatsGoOn);
}

TEST(JudgeRepeatsTest, WhatDoesNotCountCountsTowardsTheBound) {
  const v1::Run loud = Ended(500, v1::VALIDITY_CONTAMINATED);
  const v1::Run wrong = Ended(1, v1::VALIDITY_INVALID);
  v1::DeviceRepeats judged =
      Judged(UntilJob(1, 6), {Ended(100), loud, wrong, Ended(100), Ended(100)});
  EXPECT_EQ(judged.runs(), 5);
  EXPECT_EQ(judged.runs_counted(), 3);
  EXPECT_EQ(judged.half_width_percent(), 0);
  EXPECT_EQ(judged.state(), kRepeatsNarrow);
  judged = Judged(UntilJob(1, 3), {loud, loud, loud});
  EXPECT_EQ(judged.runs_counted(), 0);
  EXPECT_FALSE(judged.has_half_width_percent());
  EXPECT_EQ(judged.state(), kRepeatsSpent);
  EXPECT_EQ(Judged(UntilJob(1), {loud, loud, loud}).state(), kRepeatsGoOn);
}

// Two that happen to agree say nothing.
TEST(JudgeRepeatsTest, ThreeMustCount) {
  EXPECT_EQ(
      Judged(UntilJob(50), {Ended(100), Ended(100), Ended(1, v1::VALIDITY_CONTAMINATED)}).state(),
      kRepeatsGoOn);
}

TEST(JudgeRepeatsTest, SuspectRunsCount) {
  const v1::Run suspect = Ended(100, v1::VALIDITY_SUSPECT);
  EXPECT_EQ(Judged(UntilJob(1), {suspect, suspect, suspect}).state(), kRepeatsNarrow);
}

TEST(JudgeRepeatsTest, StopsAfterTwoFailuresInARow) {
  const v1::Run failed = Ended(v1::RUN_STATE_FAILED);
  EXPECT_EQ(Judged(UntilJob(1), {Ended(1), Ended(2), failed}).state(), kRepeatsGoOn);
  EXPECT_EQ(Judged(UntilJob(1), {failed, Ended(1), failed, Ended(2)}).state(), kRepeatsGoOn);
  EXPECT_EQ(Judged(UntilJob(1), {Ended(1), failed, failed}).state(), kRepeatsFailing);
}

TEST(JudgeRepeatsTest, StopsWhenARunWasCancelledOrLost) {
  EXPECT_EQ(Judged(UntilJob(1), {Ended(1), Ended(2), Ended(v1::RUN_STATE_CANCELLED)}).state(),
            kRepeatsCancelled);
  EXPECT_EQ(Judged(UntilJob(1), {Ended(v1::RUN_STATE_LOST), Ended(2), Ended(3)}).state(),
            kRepeatsCancelled);
}

TEST(JudgeRepeatsTest, TakesTheEstimateOfAQuickRun) {
  v1::Run quick = Ended(1);
  quick.mutable_estimate()->set_epoch_seconds(100);
  v1::Run slower = quick;
  slower.mutable_estimate()->set_epoch_seconds(200);
  EXPECT_GT(Judged(UntilJob(1), {quick, quick, slower}).half_width_percent(), 100);
}

TEST(JudgeRepeatsTest, OtherJobsHaveNone) {
  EXPECT_TRUE(JudgeRepeats(v1::Job(), {Ended(1)}).empty());
}

class RepeatUntilTest : public testing::CoordinatorFixture {
 protected:
  v1::SubmitJobResponse SubmitUntil(double percent, int most, bool interleave = false,
                                    const std::string& selector = "all") {
    v1::SubmitJobRequest request;
    request.add_selectors(selector);
    request.set_until_percent(percent);
    request.set_most_repeats(most);
    request.set_interleave(interleave);
    return Submit(request);
  }

  v1::GetJobResponse JobNow(const std::string& id) {
    v1::GetJobResponse job;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto read = ReadJob(reader, id);
      if (read.ok()) job = *read;
      return read.status();
    }));
    return job;
  }

  std::vector<v1::JobEvent> EventsOf(const std::string& job) {
    std::vector<v1::JobEvent> events;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) {
      auto read = reader.Events(job, 0, 1000);
      if (read.ok()) events = *read;
      return read.status();
    }));
    return events;
  }

  // Completes the newest run on the link with laps that are never alike: each takes a quarter more
  // than the one before.
  void CompleteUnlike(testing::FakeLink& link) { Complete("box", link, seconds_ *= 1.25); }

  double seconds_ = 10;
};

TEST_F(RepeatUntilTest, EndsEarlyWhenTheTimesAgree) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitUntil(5, 10);
  EXPECT_EQ(job.runs_size(), 3);
  for (int i = 0; i < 3; ++i) Complete("box", *link, 10);
  const v1::GetJobResponse ended = JobNow(job.job().id());
  EXPECT_EQ(ended.job().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ended.job().runs(), 3);
  ASSERT_EQ(ended.repeats_size(), 1);
  EXPECT_EQ(ended.repeats(0).state(), kRepeatsNarrow);
  EXPECT_EQ(ended.repeats(0).device(), "box/cpu");
}

TEST_F(RepeatUntilTest, GoesOnToTheBoundAndEndsOnlyThen) {
  auto link = Attach("box");
  const std::string job = SubmitUntil(1, 5).job().id();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(link->starts().size(), static_cast<size_t>(i));
    EXPECT_NE(JobNow(job).job().state(), v1::JOB_STATE_SUCCEEDED);
    CompleteUnlike(*link);
  }
  const v1::GetJobResponse ended = JobNow(job);
  EXPECT_EQ(ended.job().state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(ended.job().runs(), 5);
  EXPECT_EQ(ended.repeats(0).state(), kRepeatsSpent);
  EXPECT_GT(ended.repeats(0).half_width_percent(), 1);
  EXPECT_EQ(ended.runs(4).repetition(), 5);
  EXPECT_EQ(ended.runs(4).seed(), ended.runs(0).seed() + 4);
  EXPECT_THAT(link->starts().back().config_json(),
              HasSubstr("\"seed\":" + std::to_string(ended.runs(4).seed())));

  // Watchers hear of each added run, and of the job's end once and last.
  int added = 0;
  int ends = 0;
  const std::vector<v1::JobEvent> events = EventsOf(job);
  for (const v1::JobEvent& event : events) {
    const v1::RunChanged& changed = event.run_changed();
    if (changed.state() == v1::RUN_STATE_QUEUED) {
      ++added;
      EXPECT_EQ(changed.attempt(), 0);
      EXPECT_EQ(changed.epochs(), 2);
      EXPECT_EQ(event.device(), "box/cpu");
    }
    ends += event.has_job_ended() ? 1 : 0;
  }
  EXPECT_EQ(added, 2);
  EXPECT_EQ(ends, 1);
  EXPECT_TRUE(events.back().has_job_ended());
}

TEST_F(RepeatUntilTest, ACoordinatorThatWasRestartedGoesOn) {
  Attach("box");
  const std::string job = SubmitUntil(1, 4).job().id();
  for (int i = 1; i <= 4; ++i) {
    Restart();
    v1::Hello hello = HelloOf("box");
    auto link = std::make_shared<testing::FakeLink>();
    ASSERT_OK(AttachWith(link, hello));
    CompleteUnlike(*link);
    EXPECT_EQ(JobNow(job).job().runs(), std::min(i < 3 ? 3 : i + 1, 4));
  }
  EXPECT_EQ(JobNow(job).job().state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(RepeatUntilTest, ACancelledJobGrowsNoMore) {
  auto link = Attach("box");
  const std::string job = SubmitUntil(1, 10).job().id();
  for (int i = 0; i < 3; ++i) CompleteUnlike(*link);
  EXPECT_EQ(JobNow(job).job().runs(), 4);
  ASSERT_OK(desk_->Cancel(job));
  const v1::GetJobResponse ended = JobNow(job);
  EXPECT_EQ(ended.job().runs(), 4);
  EXPECT_EQ(ended.job().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(ended.repeats(0).state(), kRepeatsCancelled);
  EXPECT_TRUE(EventsOf(job).back().has_job_ended());
}

TEST_F(RepeatUntilTest, TwoFailuresEndIt) {
  auto link = Attach("box");
  const std::string job = SubmitUntil(1, 10).job().id();
  CompleteUnlike(*link);
  for (int i = 0; i < 2; ++i) {
    const v1::AttemptRef attempt = link->starts().back().attempt();
    ASSERT_OK(Started("box", attempt));
    ASSERT_OK(Failed("box", attempt, v1::FAILURE_CAUSE_WORKLOAD));
  }
  EXPECT_EQ(JobNow(job).job().state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(JobNow(job).repeats(0).state(), kRepeatsFailing);
}

// One device is done while the other goes on, and added runs come in blocks.
TEST_F(RepeatUntilTest, AddedRunsComeInBlocks) {
  auto link = Attach("box", {"cpu", "cpu-1t"});
  const std::string job = SubmitUntil(1, 6, /*interleave=*/true).job().id();
  std::map<std::string, int> done;
  std::vector<std::string> order;
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(link->starts().size(), static_cast<size_t>(i) + 1);
    order.push_back(link->starts().back().device());
    CompleteUnlike(*link);
  }
  for (size_t block = 0; block < order.size(); block += 2)
    EXPECT_NE(order[block], order[block + 1]) << block / 2;
  EXPECT_EQ(JobNow(job).job().state(), v1::JOB_STATE_SUCCEEDED);
}

TEST_F(RepeatUntilTest, WithoutBlocksADeviceFinishesFirst) {
  auto link = Attach("box", {"cpu", "cpu-1t"});
  SubmitUntil(1, 4);
  std::vector<std::string> order;
  for (int i = 0; i < 8; ++i) {
    order.push_back(link->starts().back().device());
    CompleteUnlike(*link);
  }
  EXPECT_THAT(order,
              ElementsAre("cpu", "cpu", "cpu", "cpu", "cpu-1t", "cpu-1t", "cpu-1t", "cpu-1t"));
}

}  // namespace
}  // namespace laptime
