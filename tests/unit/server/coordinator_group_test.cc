// Runs side by side on one machine, and runs that take several devices.

#include "server/coordinator.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using testing::FakeLink;
using ::testing::HasSubstr;

class CoordinatorGroupTest : public testing::CoordinatorFixture {
 protected:
  std::shared_ptr<FakeLink> AttachInParallel(const std::vector<std::string>& devices) {
    v1::Hello hello = HelloOf("box", devices);
    hello.set_run_in_parallel(true);
    auto link = std::make_shared<FakeLink>();
    EXPECT_OK(AttachWith(link, hello));
    return link;
  }

  // Of the runs started so far, in their order.
  static std::vector<std::string> DevicesOf(const FakeLink& link) {
    std::vector<std::string> devices;
    for (const v1::StartRun& start : link.starts()) devices.push_back(start.device());
    return devices;
  }

  void Drain(const std::string& device, bool drained) {
    v1::UpdateDeviceRequest update;
    update.set_id(device);
    update.set_drained(drained);
    ASSERT_OK(desk_->UpdateDevice(update));
    Settle();
  }
};

TEST_F(CoordinatorGroupTest, RunsInParallelMeansOnDifferentDevices) {
  v1::Hello hello = HelloOf("box", {"cpu", "mps"});
  hello.set_run_in_parallel(true);
  auto link = std::make_shared<FakeLink>();
  ASSERT_OK(AttachWith(link, hello));
  SubmitTo("box/cpu", 3);
  EXPECT_EQ(link->starts().size(), 1u);
  SubmitTo("box/mps");
  ASSERT_EQ(link->starts().size(), 2u);
  EXPECT_EQ(link->starts()[1].device(), "mps");
  Complete("box", *link);  // the mps run: nothing else waits for it
  EXPECT_EQ(link->starts().size(), 2u);
}

TEST_F(CoordinatorGroupTest, ARunReservesItsWholeGroup) {
  auto link = AttachInParallel({"cpu", "cpu-1t", "cuda:0", "cuda:1", "cuda:2"});
  Submit(Pairs("box/cuda:0"));
  SubmitTo("box/cuda:1");
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:0"));
  SubmitTo("box/cuda:2");
  Submit(Pairs("box/cpu"));
  SubmitTo("box/cpu-1t");  // the ranks of a cpu are on that one alone
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:0", "cuda:2", "cpu", "cpu-1t"));
  Complete("box", link->starts()[0].attempt());
  EXPECT_EQ(DevicesOf(*link).back(), "cuda:1");
}

TEST_F(CoordinatorGroupTest, ARunStartsOnceItsWholeGroupIsFree) {
  auto link = AttachInParallel({"cuda:0", "cuda:1"});
  SubmitTo("box/cuda:1");
  Submit(Pairs("box/cuda:0"));
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:1"));
  Complete("box", *link);
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:1", "cuda:0"));
}

TEST_F(CoordinatorGroupTest, AWaitingGroupIsNotStarvedByRunsOfSingleDevices) {
  auto link = AttachInParallel({"cuda:0", "cuda:1", "cuda:2"});
  SubmitTo("box/cuda:0");
  SubmitTo("box/cuda:1");
  clock_.Advance(1s);
  const v1::SubmitJobResponse pair = Submit(Pairs("box/cuda:0"));
  clock_.Advance(1s);
  SubmitTo("kind=cuda", 2);  // would keep one of the two busy at any time
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:0", "cuda:1", "cuda:2"));
  Complete("box", link->starts()[1].attempt());
  EXPECT_EQ(link->starts().size(), 3u);  // the second is kept for the pair
  Complete("box", link->starts()[0].attempt());
  ASSERT_EQ(link->starts().size(), 4u);
  EXPECT_EQ(link->starts()[3].attempt().run_id(), pair.runs(0).id());
}

TEST_F(CoordinatorGroupTest, AWaitingGroupKeepsNothingFromAHigherPriority) {
  auto link = AttachInParallel({"cuda:0", "cuda:1"});
  SubmitTo("box/cuda:0");
  Submit(Pairs("box/cuda:0"));
  clock_.Advance(1s);
  v1::SubmitJobRequest urgent;
  urgent.add_selectors("box/cuda:1");
  urgent.set_priority(5);
  Submit(urgent);
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:0", "cuda:1"));
}

TEST_F(CoordinatorGroupTest, AGroupWithADrainedDeviceHoldsUpNothing) {
  auto link = AttachInParallel({"cuda:0", "cuda:1", "cuda:2"});
  Drain("box/cuda:1", true);
  const v1::SubmitJobResponse pair = Submit(Pairs("box/cuda:0"));
  EXPECT_TRUE(link->starts().empty());
  clock_.Advance(1s);
  SubmitTo("box/cuda:0");
  ASSERT_THAT(DevicesOf(*link), ElementsAre("cuda:0"));
  Drain("box/cuda:1", false);
  EXPECT_EQ(link->starts().size(), 1u);
  Complete("box", *link);
  ASSERT_EQ(link->starts().size(), 2u);
  EXPECT_EQ(link->starts()[1].attempt().run_id(), pair.runs(0).id());
}

TEST_F(CoordinatorGroupTest, GroupsGoOneAtATimeWhereTheAgentDoesNotRunInParallel) {
  auto link = Attach("box", {"cuda:0", "cuda:1", "cuda:2", "cuda:3"});
  Submit(Pairs("kind=cuda"));
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:0"));
  Complete("box", *link);
  EXPECT_THAT(DevicesOf(*link), ElementsAre("cuda:0", "cuda:2"));
}

TEST_F(CoordinatorGroupTest, ARunWhoseGroupIsNoLongerOfferedIsLostInTheEnd) {
  options_.lost_after = 60s;
  Restart();
  Attach("box", {"cuda:0", "cuda:1"});
  SubmitTo("box/cuda:1");
  const std::string pair = Submit(Pairs("box/cuda:0")).runs(0).id();
  auto link = Attach("box", {"cuda:0"});
  clock_.Advance(50s);
  link = Attach("box", {"cuda:0", "cuda:1"});  // the absence is forgotten
  link = Attach("box", {"cuda:0"});
  clock_.Advance(50s);
  registry_->Renew("id-box", link.get());
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(pair).state(), v1::RUN_STATE_QUEUED);
  clock_.Advance(11s);
  registry_->Renew("id-box", link.get());
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(pair).state(), v1::RUN_STATE_LOST);
  EXPECT_THAT(RunOf(pair).failure().message(),
              HasSubstr("not offered 2 cuda devices from box/cuda:0 on"));
}

}  // namespace
}  // namespace laptime
