#include "agent/trainer/step_trend.h"

#include <gtest/gtest.h>

#include <cmath>

namespace laptime::trainer {
namespace {

// Steps of one second that scatter by one percent, the same way in every test.
std::vector<double> Steps(int count) {
  std::vector<double> seconds;
  for (int i = 0; i < count; ++i) seconds.push_back(1 + 0.01 * std::sin(12.9898 * i));
  return seconds;
}

TEST(StepTrendTest, SteadyStepsHaveNothingToTell) {
  const auto trend = TrendOf(Steps(100));
  ASSERT_TRUE(trend.has_value());
  EXPECT_EQ(trend->cold_steps, 0);
  EXPECT_NEAR(trend->warm_seconds, 1, 0.01);
  EXPECT_NEAR(trend->sustained_seconds, 1, 0.01);
  EXPECT_NEAR(trend->drift, 0, 0.01);
  EXPECT_EQ(trend->jumps, 0);
  EXPECT_FALSE(trend->bimodal);
}

TEST(StepTrendTest, TooFewStepsHaveNone) {
  EXPECT_FALSE(TrendOf(Steps(kMinTrendSteps - 1)).has_value());
  EXPECT_TRUE(TrendOf(Steps(kMinTrendSteps)).has_value());
}

TEST(StepTrendTest, FindsTheColdSteps) {
  std::vector<double> seconds = Steps(100);
  for (size_t i = 0; i < 9; ++i) seconds[i] *= 2 - 0.1 * static_cast<double>(i);
  const auto trend = TrendOf(seconds);
  EXPECT_GE(trend->cold_steps, 6);
  EXPECT_LE(trend->cold_steps, 9);
  EXPECT_NEAR(trend->warm_seconds, 1, 0.01);
  EXPECT_EQ(trend->jumps, 0);
}

TEST(StepTrendTest, MeasuresDrift) {
  std::vector<double> seconds = Steps(90);
  for (size_t i = 0; i < seconds.size(); ++i) seconds[i] *= 1 + 0.001 * static_cast<double>(i);
  const auto trend = TrendOf(seconds);
  EXPECT_NEAR(trend->drift, 0.06, 0.01);
  EXPECT_NEAR(trend->sustained_seconds, 1.075, 0.01);
  EXPECT_FALSE(trend->bimodal);
}

TEST(StepTrendTest, CountsAJumpOnce) {
  std::vector<double> seconds = Steps(120);
  for (size_t i = 80; i < seconds.size(); ++i) seconds[i] *= 1.2;
  const auto trend = TrendOf(seconds);
  EXPECT_EQ(trend->jumps, 1);
  EXPECT_TRUE(trend->bimodal);
  // A single slow step is no change of level.
  seconds = Steps(120);
  seconds[60] = 5;
  EXPECT_EQ(TrendOf(seconds)->jumps, 0);
  EXPECT_FALSE(TrendOf(seconds)->bimodal);
}

TEST(StepTrendTest, SeesTwoGroupsThatTakeTurns) {
  std::vector<double> seconds = Steps(120);
  for (size_t i = 0; i < seconds.size(); i += 3) seconds[i] *= 1.3;
  const auto trend = TrendOf(seconds);
  EXPECT_TRUE(trend->bimodal);
  EXPECT_EQ(trend->jumps, 0);
}

}  // namespace
}  // namespace laptime::trainer
