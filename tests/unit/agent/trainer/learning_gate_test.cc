#include "agent/trainer/learning_gate.h"

#include <gtest/gtest.h>

#include <numeric>

namespace laptime::trainer {
namespace {

TEST(LearningGateTest, IsTheMeanOfTheSixthTenSteps) {
  std::vector<double> losses(390);
  std::iota(losses.begin(), losses.end(), 1.0);  // the loss of step n is n
  EXPECT_DOUBLE_EQ(GateLoss(losses).value(), 55.5);
}

TEST(LearningGateTest, NeedsSixtySteps) {
  EXPECT_FALSE(GateLoss(std::vector<double>(59, 1.0)).has_value());
  EXPECT_TRUE(GateLoss(std::vector<double>(60, 1.0)).has_value());
}

}  // namespace
}  // namespace laptime::trainer
