#include "server/run_queue.h"

#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using ::testing::ElementsAre;

class RunQueueTest : public testing::CoordinatorFixture {
 protected:
  v1::SubmitJobResponse SubmitBlocks(int repeats, const std::string& selector = "all",
                                     int devices_per_run = 1) {
    v1::SubmitJobRequest request;
    request.add_selectors(selector);
    request.set_repeats(repeats);
    request.set_interleave(true);
    (*request.mutable_settings())["devices_per_run"] = std::to_string(devices_per_run);
    return Submit(request);
  }

  static std::vector<std::string> DevicesOf(const v1::SubmitJobResponse& job) {
    std::vector<std::string> devices;
    for (const v1::Run& run : job.runs()) devices.push_back(run.device());
    return devices;
  }

  // The devices of the host as they start, one run after the other.
  std::vector<std::string> Order(const std::string& host, testing::FakeLink& link, int runs) {
    std::vector<std::string> order;
    for (int i = 0; i < runs; ++i) {
      order.push_back(host + "/" + link.starts().back().device());
      Complete(host, link);
    }
    return order;
  }
};

// On one machine, which runs one at a time, the order planned is the order run.
TEST_F(RunQueueTest, DevicesOfAMachineTakeTurnsInBlocks) {
  auto link = Attach("box", {"a", "b", "c"});
  const v1::SubmitJobResponse job = SubmitBlocks(8);
  const std::vector<std::string> planned = DevicesOf(job);
  EXPECT_EQ(Order("box", *link, 24), planned);
  // Some block does not begin with the first device, or nothing was drawn.
  int led_by_others = 0;
  for (size_t i = 0; i < planned.size(); i += 3) led_by_others += planned[i] != "box/a" ? 1 : 0;
  EXPECT_GT(led_by_others, 0);
}

TEST_F(RunQueueTest, WithoutBlocksADeviceFinishesFirst) {
  auto link = Attach("box", {"a", "b"});
  SubmitTo("all", 2);
  EXPECT_THAT(Order("box", *link, 4), ElementsAre("box/a", "box/a", "box/b", "box/b"));
}

TEST_F(RunQueueTest, ARunThatIsTriedAgainKeepsItsPlace) {
  auto link = Attach("box", {"a", "b"});
  const std::vector<std::string> planned = DevicesOf(SubmitBlocks(2));
  const v1::AttemptRef first = link->starts().back().attempt();
  ASSERT_OK(Started("box", first));
  ASSERT_OK(Failed("box", first, v1::FAILURE_CAUSE_INFRASTRUCTURE));
  EXPECT_EQ(link->starts().back().attempt().run_id(), first.run_id());
  EXPECT_EQ(Order("box", *link, 4), planned);
}

TEST_F(RunQueueTest, AnOlderJobGoesBeforeAnotherJobsBlocks) {
  auto link = Attach("box", {"a", "b"});
  SubmitTo("box/b", 2);
  SubmitBlocks(1);
  const std::vector<std::string> order = Order("box", *link, 4);
  EXPECT_EQ(order[0], "box/b");
  EXPECT_EQ(order[1], "box/b");
}

// A machine that is slow, or off, holds up no other.
TEST_F(RunQueueTest, MachinesDoNotWaitForEachOther) {
  auto fast = Attach("fast", {"cpu"});
  auto slow = Attach("slow", {"cpu"});
  SubmitBlocks(3);
  EXPECT_EQ(Order("fast", *fast, 3).size(), 3u);
  EXPECT_EQ(fast->starts().size(), 3u);
  EXPECT_EQ(slow->starts().size(), 1u);
}

TEST_F(RunQueueTest, GroupsOfDevicesTakeTurnsToo) {
  auto link = Attach("box", {"cuda:0", "cuda:1", "cuda:2", "cuda:3"});
  const v1::SubmitJobResponse job = SubmitBlocks(3, "kind=cuda", /*devices_per_run=*/2);
  const std::vector<std::string> planned = DevicesOf(job);
  EXPECT_EQ(planned.size(), 6u);
  EXPECT_EQ(Order("box", *link, 6), planned);
}

TEST_F(RunQueueTest, ADryRunShowsTheBlocks) {
  auto link = Attach("box", {"a", "b"});
  v1::SubmitJobRequest request;
  request.add_selectors("all");
  request.set_repeats(2);
  request.set_interleave(true);
  request.set_dry_run(true);
  EXPECT_THAT(DevicesOf(Submit(request)), ElementsAre("box/a", "box/b", "box/a", "box/b"));
}

}  // namespace
}  // namespace laptime
