#include "agent/trainer/schedule.h"

#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

TEST(ScheduleTest, StartsAtTheScaledRate) {
  EXPECT_DOUBLE_EQ(LearningRate(0.06, 128, 0, 200), 0.06);
  EXPECT_DOUBLE_EQ(LearningRate(0.06, 512, 0, 200), 0.24);
}

TEST(ScheduleTest, FollowsACosinePerEpoch) {
  EXPECT_NEAR(LearningRate(0.06, 128, 1, 2), 0.03, 1e-15);
  EXPECT_NEAR(LearningRate(0.06, 128, 50, 200), 0.06 / 2 * (1 + std::sqrt(0.5)), 1e-15);
  EXPECT_GT(LearningRate(0.06, 128, 199, 200), 0);
  EXPECT_LT(LearningRate(0.06, 128, 199, 200), 1e-5);
}

}  // namespace
}  // namespace laptime::trainer
