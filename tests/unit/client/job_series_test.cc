#include "client/job_series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/exit_codes.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

using ::testing::ElementsAre;
using testing::FakeClock;
using ::testing::IsEmpty;
using ::testing::Optional;
using testing::StatusIs;
using namespace std::chrono_literals;

using Left = std::optional<std::chrono::milliseconds>;

std::vector<FillJob> ThreeJobs() { return {{"a", 1, {}}, {"b", 1, {}}, {"c", 1, {}}}; }

v1::Job JobOf(const FillJob& job) {
  v1::Job made;
  made.set_id(job.workload);
  return made;
}

std::vector<std::string> IdsOf(const v1::ListJobsResponse& jobs) {
  std::vector<std::string> ids;
  for (const v1::Job& job : jobs.jobs()) ids.push_back(job.id());
  return ids;
}

TEST(SubmitSeriesTest, SubmitsAll) {
  const SubmittedSeries series =
      SubmitSeries(ThreeJobs(), [](const FillJob& job) { return JobOf(job); }, {});
  EXPECT_OK(series.status);
  EXPECT_THAT(IdsOf(series.made), ElementsAre("a", "b", "c"));
}

TEST(SubmitSeriesTest, ARefusalKeepsWhatWasMade) {
  const auto submit = [](const FillJob& job) -> absl::StatusOr<v1::Job> {
    if (job.workload == "b") return absl::InvalidArgumentError("no");
    return JobOf(job);
  };
  const SubmittedSeries series = SubmitSeries(ThreeJobs(), submit, {});
  EXPECT_THAT(series.status, StatusIs(absl::StatusCode::kInvalidArgument, "no"));
  EXPECT_THAT(IdsOf(series.made), ElementsAre("a"));
}

TEST(SubmitSeriesTest, StopsBetweenJobs) {
  std::stop_source stop;
  const auto submit = [&](const FillJob& job) {
    if (job.workload == "b") stop.request_stop();
    return JobOf(job);
  };
  const SubmittedSeries series = SubmitSeries(ThreeJobs(), submit, stop.get_token());
  EXPECT_EQ(series.status.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(IdsOf(series.made), ElementsAre("a", "b"));
}

class FollowSeriesTest : public ::testing::Test {
 protected:
  // Each job takes four seconds and ends with its code.
  FollowedSeries Follow(const std::vector<int>& codes, Left limit = std::nullopt) {
    v1::ListJobsResponse jobs;
    for (size_t i = 0; i < codes.size(); ++i) jobs.add_jobs()->set_id(std::to_string(i));
    return FollowSeries(jobs, clock_, limit, [&](const std::string& id, Left left) {
      left_.push_back(left);
      clock_.Advance(4s);
      return codes.at(std::stoul(id));
    });
  }

  FakeClock clock_;
  std::vector<Left> left_;
};

TEST_F(FollowSeriesTest, TheFirstBadEndIsTheWholes) {
  const FollowedSeries series = Follow({kExitOk, kExitRunCancelled, kExitRunFailed, kExitOk});
  EXPECT_EQ(series.code, kExitRunCancelled);
  EXPECT_THAT(series.left, IsEmpty());
  EXPECT_THAT(left_, ElementsAre(std::nullopt, std::nullopt, std::nullopt, std::nullopt));
}

TEST_F(FollowSeriesTest, WhatIsNoEndStopsItAtOnce) {
  for (const int code : {kExitTimedOut, kExitInterrupted, kExitUnreachable, kExitNotFound, 1}) {
    left_.clear();
    const FollowedSeries series = Follow({kExitRunFailed, code, kExitOk});
    EXPECT_EQ(series.code, code);
    EXPECT_THAT(series.left, ElementsAre("1", "2"));
    EXPECT_EQ(left_.size(), 2U);
  }
}

TEST_F(FollowSeriesTest, TheLimitIsOfAllTogether) {
  Follow({kExitOk, kExitOk, kExitOk, kExitOk}, 10s);
  EXPECT_THAT(left_, ElementsAre(Optional(10s), Optional(6s), Optional(2s), Optional(0s)));
}

}  // namespace
}  // namespace laptime::client
