#include "server/read_limit.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

TEST(ReadLimitTest, StopsAtSoManyMessagesAndGoesOnAtHalf) {
  ReadLimit limit;
  for (size_t i = 1; i < kMaxPendingMessages; ++i) ASSERT_TRUE(limit.Add(1));
  EXPECT_FALSE(limit.Add(1));
  for (size_t i = 1; i < kMaxPendingMessages / 2; ++i) ASSERT_FALSE(limit.Remove(1));
  EXPECT_TRUE(limit.Remove(1));
  EXPECT_FALSE(limit.Remove(1));  // it goes on already
  EXPECT_TRUE(limit.Add(1));
}

TEST(ReadLimitTest, StopsAtSoManyBytesAndGoesOnAtHalf) {
  ReadLimit limit;
  EXPECT_TRUE(limit.Add(kMaxPendingBytes / 2));
  EXPECT_TRUE(limit.Add(kMaxPendingBytes / 2 - 1));
  EXPECT_FALSE(limit.Add(1));
  EXPECT_FALSE(limit.Remove(kMaxPendingBytes / 2 - 1));
  EXPECT_TRUE(limit.Remove(1));
}

TEST(ReadLimitTest, OneThatIsTooLargeAloneIsWaitedFor) {
  ReadLimit limit;
  EXPECT_FALSE(limit.Add(10 * kMaxPendingBytes));
  EXPECT_TRUE(limit.Remove(10 * kMaxPendingBytes));
}

}  // namespace
}  // namespace laptime
