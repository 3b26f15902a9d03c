#include "server/security/failure_limit.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"

namespace laptime {
namespace {

constexpr char kPeer[] = "ipv4:192.0.2.7:5000";

class FailureLimitTest : public ::testing::Test {
 protected:
  void Fail(const std::string& peer, int times) {
    for (int i = 0; i < times; ++i) limit_.Failed(peer);
  }

  testing::FakeClock clock_;
  FailureLimit limit_{clock_};
};

TEST_F(FailureLimitTest, LooksAtNoMoreAfterFiveFailures) {
  Fail(kPeer, kMaxFailures - 1);
  EXPECT_TRUE(limit_.Allows(kPeer));
  Fail(kPeer, 1);
  EXPECT_FALSE(limit_.Allows(kPeer));
}

TEST_F(FailureLimitTest, AnotherPortIsTheSameAddress) {
  Fail(kPeer, kMaxFailures);
  EXPECT_FALSE(limit_.Allows("ipv4:192.0.2.7:5001"));
  EXPECT_TRUE(limit_.Allows("ipv4:192.0.2.8:5000"));
  EXPECT_EQ(AddressOf("ipv6:%5Bfe80::1%5D:50000"), "ipv6:%5Bfe80::1%5D");
}

TEST_F(FailureLimitTest, ForgetsAfterAMinute) {
  Fail(kPeer, kMaxFailures);
  clock_.Advance(kFailureWindow - std::chrono::seconds(1));
  EXPECT_FALSE(limit_.Allows(kPeer));
  clock_.Advance(std::chrono::seconds(1));
  EXPECT_TRUE(limit_.Allows(kPeer));
}

TEST_F(FailureLimitTest, ManyAddressesBuyNoMoreGuesses) {
  for (size_t i = 0; i < kMaxFailingAddresses; ++i)
    limit_.Failed("ipv4:10." + std::to_string(i) + ":1");
  EXPECT_FALSE(limit_.Allows(kPeer));
}

}  // namespace
}  // namespace laptime
