#include "server/self_probe.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace laptime {
namespace {

constexpr std::chrono::milliseconds kAtOnce{1};

// What `ask` answers, in turn; the last one for ever. Whether it came to `deaf`, after how many.
class SelfProbeTest : public ::testing::Test {
 protected:
  int AsksUntilDeaf(const std::vector<bool>& answers) {
    std::atomic<int> asked = 0;
    std::promise<void> deaf;
    const SelfProbe probe(
        [&] {
          const size_t turn = std::min<size_t>(asked++, answers.size() - 1);
          return answers[turn] ? absl::OkStatus() : absl::UnavailableError("no answer");
        },
        [&] { deaf.set_value(); }, kAtOnce);
    deaf.get_future().wait();
    return asked;
  }
};

TEST_F(SelfProbeTest, IsToldAfterTwoFailuresInARow) {
  EXPECT_EQ(AsksUntilDeaf({false}), kSelfProbeFailures);
  EXPECT_EQ(AsksUntilDeaf({true, true, false}), 2 + kSelfProbeFailures);
}

TEST_F(SelfProbeTest, OneFailureAloneDoesNotCount) {
  EXPECT_EQ(AsksUntilDeaf({false, true, false, true, false}), 4 + kSelfProbeFailures);
}

TEST_F(SelfProbeTest, EndsWithItsOwner) {
  const SelfProbe probe([] { return absl::OkStatus(); }, [] { FAIL(); }, std::chrono::hours(1));
}

TEST(OwnAddressTest, EveryInterfaceIsReachedOnLoopback) {
  EXPECT_EQ(OwnAddress("0.0.0.0:7440"), "127.0.0.1:7440");
  EXPECT_EQ(OwnAddress("[::]:7440"), "[::1]:7440");
  EXPECT_EQ(OwnAddress("192.0.2.7:7440"), "192.0.2.7:7440");
}

}  // namespace
}  // namespace laptime
