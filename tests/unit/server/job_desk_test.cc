#include "server/job_desk.h"

#include "proto/support/status.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

class JobDeskTest : public testing::CoordinatorFixture {
 protected:
  static v1::SubmitJobRequest Request(const std::string& selector) {
    v1::SubmitJobRequest request;
    request.set_workload("simclr-cifar10");
    if (!selector.empty()) request.add_selectors(selector);
    return request;
  }

  static std::vector<std::string> DevicesOf(const v1::SubmitJobResponse& job) {
    std::vector<std::string> devices;
    for (const v1::Run& run : job.runs()) devices.push_back(run.device());
    return devices;
  }

  v1::Device DeviceNow(const std::string& id) {
    v1::Device device;
    EXPECT_OK(store_->Read([&](const storage::Reader& reader) -> absl::Status {
      auto devices = desk_->Devices(reader);
      if (!devices.ok()) return devices.status();
      for (const storage::DeviceRow& row : *devices) {
        if (row.device.id() == id) device = row.device;
      }
      return absl::OkStatus();
    }));
    return device;
  }
};

TEST_F(JobDeskTest, FansOutOverDevicesAndRepeats) {
  Attach("box", {"cpu", "cpu-1t"});
  Attach("studio", {"mps"});
  const v1::SubmitJobResponse job = SubmitTo("all", 3);
  EXPECT_EQ(job.runs_size(), 9);
  EXPECT_EQ(job.job().runs(), 9);
}

TEST_F(JobDeskTest, ChoosesEachDeviceOnce) {
  Attach("box");
  v1::SubmitJobRequest request = Request("box/cpu");
  request.add_selectors("kind=cpu");
  EXPECT_EQ(Submit(request).runs_size(), 1);
}

TEST_F(JobDeskTest, NeedsNoSelectorWhenThereIsOneDevice) {
  Attach("box");
  EXPECT_EQ(Submit(Request("")).runs_size(), 1);
}

TEST_F(JobDeskTest, AsksWhichDeviceWhenThereAreMore) {
  Attach("box", {"cpu", "cpu-1t"});
  const auto refused = desk_->Submit(Request(""));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("which device?")));
  EXPECT_THAT(HintOf(refused.status()), HasSubstr("box/cpu-1t"));
}

TEST_F(JobDeskTest, SaysWhatThereIsWhenNothingMatches) {
  Attach("box");
  const auto refused = desk_->Submit(Request("kind=mps"));
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition,
                                HasSubstr("no device matches 'kind=mps'")));
  EXPECT_THAT(HintOf(refused.status()), HasSubstr("laptime device list shows 1: box/cpu"));
  EXPECT_THAT(HintOf(desk_->Submit(Request("box/cpus")).status()),
              HasSubstr("did you mean 'box/cpu'?"));
}

TEST_F(JobDeskTest, APatternMeansAttachedDevicesAFullNameAlsoOneThatComesBack) {
  auto link = Attach("box");
  clock_.Advance(std::chrono::seconds(20));  // the lease ends
  EXPECT_THAT(desk_->Submit(Request("kind=cpu")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("kind=cpu")));
  EXPECT_EQ(SubmitTo("box/cpu").runs_size(), 1);
}

TEST_F(JobDeskTest, ADrainedDeviceTakesNothingUntilItIsResumed) {
  auto link = Attach("box");
  v1::UpdateDeviceRequest update;
  update.set_id("box/cpu");
  update.set_drained(true);
  ASSERT_OK(desk_->UpdateDevice(update));
  SubmitTo("box/cpu");
  EXPECT_TRUE(link->starts().empty());
  update.set_drained(false);
  ASSERT_OK(desk_->UpdateDevice(update));
  Settle();
  EXPECT_EQ(link->starts().size(), 1u);
}

TEST_F(JobDeskTest, RenamesADeviceForPeopleNotForItsAgent) {
  auto link = Attach("box");
  v1::UpdateDeviceRequest update;
  update.set_id("box/cpu");
  update.set_new_name("box/slow");
  ASSERT_OK(desk_->UpdateDevice(update));
  const v1::SubmitJobResponse job = SubmitTo("box/slow");
  EXPECT_EQ(job.runs(0).device(), "box/slow");
  EXPECT_EQ(link->starts()[0].device(), "cpu");
  // Its answer was lost, and it comes again.
  EXPECT_OK(desk_->UpdateDevice(update));
  update.set_id("box/slow");
  update.set_new_name("a b");
  EXPECT_THAT(desk_->UpdateDevice(update),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a b")));
}

TEST_F(JobDeskTest, TheSameKeyGivesTheSameJob) {
  Attach("box");
  v1::SubmitJobRequest request = Request("box/cpu");
  request.set_idempotency_key("k1");
  const v1::SubmitJobResponse first = Submit(request);
  const v1::SubmitJobResponse second = Submit(request);
  EXPECT_EQ(first.job().id(), second.job().id());
  EXPECT_EQ(first.runs(0).id(), second.runs(0).id());
  request.set_repeats(2);
  EXPECT_THAT(desk_->Submit(request), StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("k1")));
}

TEST_F(JobDeskTest, ADryRunStoresNothing) {
  auto link = Attach("box");
  v1::SubmitJobRequest request = Request("box/cpu");
  request.set_dry_run(true);
  const v1::SubmitJobResponse plan = Submit(request);
  EXPECT_EQ(plan.runs_size(), 1);
  EXPECT_TRUE(plan.job().id().empty());
  EXPECT_EQ(plan.job().workload().steps_per_epoch(), 390);
  EXPECT_TRUE(link->starts().empty());
}

TEST_F(JobDeskTest, RefusesADeviceThatTooFewFollow) {
  auto link = Attach("box", {"cpu", "cuda:0", "cuda:1"});
  Attach("studio", {"mps"});
  v1::SubmitJobRequest request = Pairs("box/cuda:1");
  for (const bool dry_run : {true, false}) {
    request.set_dry_run(dry_run);
    const auto refused = desk_->Submit(request);
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition,
                                  HasSubstr("no device matches 'box/cuda:1' with devices_per_run=2:"
                                            " host 'box' has 1 cuda device from it on")));
    EXPECT_THAT(HintOf(refused.status()), HasSubstr("the first can be box/cuda:0;"));
  }
  Settle();
  EXPECT_TRUE(link->starts().empty());
  EXPECT_THAT(desk_->Submit(Pairs("studio/mps")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("1 mps device")));
  EXPECT_EQ(Submit(Pairs("box/cuda:0")).runs_size(), 1);
}

TEST_F(JobDeskTest, TheRanksOfACpuNeedNoOtherDevice) {
  Attach("box", {"cpu"});
  EXPECT_EQ(Submit(Pairs("box/cpu")).runs_size(), 1);
  EXPECT_EQ(Submit(Pairs("")).runs_size(), 1);
}

TEST_F(JobDeskTest, APatternChoosesGroupsSideBySide) {
  Attach("box", {"cpu", "cuda:0", "cuda:1", "cuda:2", "cuda:3", "cuda:4"});
  Attach("studio", {"mps"});
  EXPECT_THAT(DevicesOf(Submit(Pairs("kind=cuda"))), ElementsAre("box/cuda:0", "box/cuda:2"));
  EXPECT_THAT(DevicesOf(Submit(Pairs("all"))), ElementsAre("box/cpu", "box/cuda:0", "box/cuda:2"));
  // The second of a group need not match.
  EXPECT_THAT(DevicesOf(Submit(Pairs("box/cuda:[13]"))), ElementsAre("box/cuda:1", "box/cuda:3"));
  v1::UpdateDeviceRequest update;
  update.set_id("box/cuda:1");
  update.set_drained(true);
  ASSERT_OK(desk_->UpdateDevice(update));
  EXPECT_THAT(DevicesOf(Submit(Pairs("kind=cuda"))), ElementsAre("box/cuda:2"));
}

TEST_F(JobDeskTest, APatternLeavesFullNamesTheirGroups) {
  Attach("box", {"cuda:0", "cuda:1", "cuda:2", "cuda:3", "cuda:4"});
  v1::SubmitJobRequest request = Pairs("kind=cuda");
  request.add_selectors("box/cuda:1");
  EXPECT_THAT(DevicesOf(Submit(request)), ElementsAre("box/cuda:1", "box/cuda:3"));
  // These two run one after the other.
  request = Pairs("box/cuda:0");
  request.add_selectors("box/cuda:1");
  EXPECT_THAT(DevicesOf(Submit(request)), ElementsAre("box/cuda:0", "box/cuda:1"));
}

TEST_F(JobDeskTest, SaysWhyAPatternLeavesNoGroup) {
  Attach("box", {"cpu", "cuda:0", "cuda:1"});
  v1::SubmitJobRequest request = Pairs("box/cuda:1*");
  const auto refused = desk_->Submit(request);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition,
                                HasSubstr("no device matches 'box/cuda:1*' with devices_per_run=2: "
                                          "none is the first of 2 of its kind")));
  EXPECT_THAT(HintOf(refused.status()), HasSubstr("--set devices_per_run=1"));
  request.add_selectors("box/cuda:0");
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("not chosen already")));
}

TEST_F(JobDeskTest, NeedsNoSelectorWhenThereIsOneGroup) {
  Attach("box", {"cuda:0", "cuda:1", "cuda:2"});
  EXPECT_THAT(DevicesOf(Submit(Pairs(""))), ElementsAre("box/cuda:0"));
  Attach("box", {"cuda:0", "cuda:1", "cuda:2", "cuda:3"});
  EXPECT_THAT(desk_->Submit(Pairs("")),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2 can be the first of 2")));
  Attach("box", {"cuda:0"});
  EXPECT_THAT(desk_->Submit(Pairs("")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("devices_per_run=2")));
}

TEST_F(JobDeskTest, ShowsEveryDeviceOfARunBusy) {
  auto link = Attach("box", {"cuda:0", "cuda:1", "cuda:2"});
  const std::string run = Submit(Pairs("box/cuda:0")).runs(0).id();
  for (const char* id : {"box/cuda:0", "box/cuda:1"}) {
    EXPECT_EQ(DeviceNow(id).state(), v1::DEVICE_STATE_BUSY) << id;
    EXPECT_EQ(DeviceNow(id).current_run_id(), run) << id;
  }
  EXPECT_EQ(DeviceNow("box/cuda:2").state(), v1::DEVICE_STATE_IDLE);
  Complete("box", *link);
  EXPECT_EQ(DeviceNow("box/cuda:1").state(), v1::DEVICE_STATE_IDLE);
}

TEST_F(JobDeskTest, RefusesImpossibleRequests) {
  Attach("box");
  v1::SubmitJobRequest request = Request("box/cpu");
  request.set_repeats(kMaxRepeats + 1);
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("repeat: 1001")));
  request = Request("box/cpu");
  request.set_workload("simclr");
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("unknown workload")));
  request = Request("box/cpu");
  (*request.mutable_settings())["batch_size"] = "0";
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batch_size: '0'")));
  request = Request("box/cpu");
  (*request.mutable_settings())["seed"] = "2147483647";
  request.set_repeats(2);
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("seed 2147483648")));
  request = Request("box/cpu");
  request.set_idempotency_key(std::string(kMaxIdempotencyKey + 1, 'k'));
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("idempotency key")));
  request = Request("box/cpu");
  for (int i = 0; i <= kMaxSettings; ++i)
    (*request.mutable_settings())["k" + std::to_string(i)] = "1";
  EXPECT_THAT(desk_->Submit(request),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("settings")));
}

TEST_F(JobDeskTest, CancellingTwiceChangesNothing) {
  Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu", 2);
  ASSERT_OK_AND_ASSIGN(v1::GetJobResponse cancelled, desk_->Cancel(job.job().id()));
  EXPECT_EQ(cancelled.job().state(), v1::JOB_STATE_CANCELLED);
  ASSERT_OK(desk_->Cancel(job.job().id().substr(0, 6)));
  EXPECT_THAT(desk_->Cancel("ffffffffffff"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("ffffffffffff")));
}

}  // namespace
}  // namespace laptime
