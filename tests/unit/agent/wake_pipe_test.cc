#include "agent/wake_pipe.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/testing/status_matchers.h"

namespace laptime::agent {
namespace {

TEST(PollTimeoutTest, TakesWhatAnIntCannotHoldForTheLongestWait) {
  constexpr int kLongest = std::numeric_limits<int>::max();
  EXPECT_EQ(PollTimeout(std::chrono::milliseconds(250)), 250);
  EXPECT_EQ(PollTimeout(std::chrono::hours(1000)), kLongest);
  EXPECT_EQ(PollTimeout(std::chrono::milliseconds(1LL << 32)), kLongest);
}

TEST(WakePipeTest, StaysAwakeUntilItIsDrained) {
  ASSERT_OK_AND_ASSIGN(WakePipe pipe, WakePipe::Open());
  EXPECT_FALSE(WaitReadable(pipe.fd(), std::chrono::milliseconds(0)));
  pipe.Wake();
  EXPECT_TRUE(WaitReadable(pipe.fd(), std::chrono::hours(1000)));
  EXPECT_TRUE(WaitReadable(pipe.fd(), std::chrono::milliseconds(0)));
  pipe.Drain();
  EXPECT_FALSE(WaitReadable(pipe.fd(), std::chrono::milliseconds(0)));
}

}  // namespace
}  // namespace laptime::agent
