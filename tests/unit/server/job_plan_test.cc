#include "server/job_plan.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"

namespace laptime {
namespace {

using storage::NewRun;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using ::testing::UnorderedElementsAreArray;

v1::Job Job(int repeats, bool interleave) {
  v1::Job job;
  job.set_id("1a2b3c4d5e6f");
  job.set_repeats(repeats);
  job.set_interleave(interleave);
  (*job.mutable_workload()->mutable_config()->mutable_fields())["seed"].set_number_value(5);
  return job;
}

std::vector<storage::DeviceRow> Devices(const std::vector<int64_t>& keys) {
  std::vector<storage::DeviceRow> devices;
  for (const int64_t key : keys) devices.emplace_back().key = key;
  return devices;
}

std::vector<int64_t> DevicesOf(const std::vector<NewRun>& runs) {
  std::vector<int64_t> keys;
  for (const NewRun& run : runs) keys.push_back(run.device_key);
  return keys;
}

v1::SubmitJobRequest Until(double percent, int repeats = 0, int most = 0) {
  v1::SubmitJobRequest request;
  request.set_until_percent(percent);
  request.set_repeats(repeats);
  request.set_most_repeats(most);
  return request;
}

TEST(BlockOrderTest, FollowsFromTheJobTheBlockAndTheDevices) {
  // Written down, so that no platform draws another order: what is stored must stay explicable.
  EXPECT_THAT(BlockOrder("1a2b3c4d5e6f", 1, {1, 2, 3, 4, 5}), ElementsAre(1, 4, 3, 2, 5));
  EXPECT_THAT(BlockOrder("1a2b3c4d5e6f", 2, {1, 2, 3, 4, 5}), ElementsAre(5, 4, 2, 3, 1));
  EXPECT_EQ(BlockOrder("job", 1, {3, 1, 2}), BlockOrder("job", 1, {1, 2, 3}));
  std::set<std::vector<int64_t>> orders;
  for (int block = 1; block <= 100; ++block) {
    const std::vector<int64_t> order = BlockOrder("job", block, {1, 2, 3});
    EXPECT_THAT(order, UnorderedElementsAreArray({1, 2, 3}));
    orders.insert(order);
  }
  EXPECT_EQ(orders.size(), 6u);  // each that there is
  EXPECT_NE(BlockOrder("a", 1, {1, 2, 3, 4, 5, 6, 7, 8}),
            BlockOrder("b", 1, {1, 2, 3, 4, 5, 6, 7, 8}));
}

TEST(BlockOrderTest, IsAsListedWhileThereIsNoId) {
  EXPECT_THAT(BlockOrder("", 1, {3, 1, 2}), ElementsAre(3, 1, 2));
}

// Each device leads about as often as another: 1,000 blocks, four standard deviations.
TEST(BlockOrderTest, FavoursNoDevice) {
  int first = 0;
  for (int block = 1; block <= 1000; ++block)
    first += BlockOrder("job", block, {1, 2}).front() == 1 ? 1 : 0;
  EXPECT_NEAR(first, 500, 4 * 15.8);
}

TEST(PlanRunsTest, WithoutBlocksADeviceFinishesFirst) {
  const std::vector<NewRun> runs = PlanRuns(Job(2, false), Devices({7, 3}));
  EXPECT_THAT(DevicesOf(runs), ElementsAre(7, 7, 3, 3));
  EXPECT_EQ(runs[1].repetition, 2);
  EXPECT_EQ(runs[1].seed, 6);
  EXPECT_EQ(runs[0].position, 0);
  EXPECT_EQ(runs[1].position, 0);
  EXPECT_EQ(runs[3].position, 1);
}

TEST(PlanRunsTest, ABlockHoldsEveryDeviceOnce) {
  const std::vector<NewRun> runs = PlanRuns(Job(4, true), Devices({1, 2, 3}));
  ASSERT_EQ(runs.size(), 12u);
  for (size_t i = 0; i < runs.size(); ++i) {
    EXPECT_EQ(runs[i].position, static_cast<int>(i));
    EXPECT_EQ(runs[i].repetition, static_cast<int>(i / 3) + 1);
    EXPECT_EQ(runs[i].seed, runs[i].repetition + 4);
  }
  for (size_t block = 0; block < 4; ++block) {
    std::vector<int64_t> devices =
        DevicesOf({runs.begin() + 3 * block, runs.begin() + 3 * block + 3});
    EXPECT_EQ(devices, BlockOrder("1a2b3c4d5e6f", static_cast<int>(block) + 1, {1, 2, 3}));
  }
}

TEST(PlanRunsTest, AnAddedRunTakesItsPlaceInABlock) {
  const std::vector<int64_t> keys = {1, 2, 3};
  std::vector<int> positions;
  for (const int64_t key : keys) positions.push_back(PositionInBlocks("job", 5, key, keys));
  EXPECT_THAT(positions, UnorderedElementsAreArray({12, 13, 14}));
}

TEST(CheckSubmissionTest, UntilHasLimits) {
  EXPECT_OK(CheckSubmission(Until(0.1)));
  EXPECT_OK(CheckSubmission(Until(50, 3, 1000)));
  EXPECT_OK(CheckSubmission(Until(1, 20)));
  for (const double percent : {0.0, 0.09, -1.0, 50.1, 1e300, std::nan("")}) {
    const absl::Status refused = CheckSubmission(Until(percent));
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("until: ")));
    EXPECT_THAT(HintOf(refused), HasSubstr("0.1% to 50%"));
  }
  EXPECT_THAT(CheckSubmission(Until(1, 2)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("repeat: 2 with --until")));
  for (const int most : {-1, 4, 1001}) {
    EXPECT_THAT(CheckSubmission(Until(1, 5, most)),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         HasSubstr("max-repeats: " + std::to_string(most))));
  }
}

TEST(CheckSubmissionTest, MostRepeatsNeedUntil) {
  v1::SubmitJobRequest request;
  request.set_most_repeats(5);
  const absl::Status refused = CheckSubmission(request);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("without until")));
  EXPECT_THAT(HintOf(refused), HasSubstr("--until 1%"));
}

TEST(NewJobTest, UntilHasDefaults) {
  v1::Job job = NewJob(Until(1), v1::Workload(), 0);
  EXPECT_EQ(job.repeats(), 3);
  EXPECT_EQ(job.most_repeats(), 10);
  EXPECT_EQ(MostRunsOnDevice(job), 10);
  job = NewJob(Until(1, 20), v1::Workload(), 0);
  EXPECT_EQ(job.most_repeats(), 20);
  job = NewJob(v1::SubmitJobRequest(), v1::Workload(), 0);
  EXPECT_EQ(job.repeats(), 1);
  EXPECT_FALSE(job.has_until_percent());
  EXPECT_EQ(job.most_repeats(), 0);
  EXPECT_EQ(MostRunsOnDevice(job), 1);
}

TEST(RequestDigestTest, HoldsAllThatMakesAnotherJob) {
  const std::string plain = RequestDigest(v1::SubmitJobRequest());
  // As stored by versions that knew neither blocks nor until.
  EXPECT_EQ(plain.substr(0, 8), "84e4c76c");
  v1::SubmitJobRequest request;
  request.set_interleave(true);
  std::set<std::string> digests = {plain, RequestDigest(request)};
  digests.insert(RequestDigest(Until(1)));
  digests.insert(RequestDigest(Until(2)));
  digests.insert(RequestDigest(Until(1, 4)));
  digests.insert(RequestDigest(Until(1, 0, 11)));
  EXPECT_EQ(digests.size(), 6u);
  // Said or left to the default.
  EXPECT_EQ(RequestDigest(Until(1)), RequestDigest(Until(1, 3, 10)));
}

TEST(CheckSeedsTest, CountsTheRunsThatMayBeAdded) {
  v1::Job job = Job(3, false);
  (*job.mutable_workload()->mutable_config()->mutable_fields())["seed"].set_number_value(
      2147483647.0 - 4);
  EXPECT_OK(CheckSeeds(job));
  job.set_until_percent(1);
  job.set_most_repeats(6);
  EXPECT_THAT(CheckSeeds(job),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("repetition 6")));
  job.set_most_repeats(5);
  EXPECT_OK(CheckSeeds(job));
}

}  // namespace
}  // namespace laptime
