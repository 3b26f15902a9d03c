#include "agent/trainer/lap_estimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace laptime::trainer {
namespace {

std::vector<double> Normal(int count, double mean, double deviation, std::mt19937& random) {
  std::normal_distribution<double> distribution(mean, deviation);
  std::vector<double> values;
  for (int i = 0; i < count; ++i) values.push_back(distribution(random));
  return values;
}

TEST(MeanOfTest, HoldsTheTrueMeanAsOftenAsItSays) {
  std::mt19937 random(7);
  constexpr int kTries = 2000;
  int held = 0;
  for (int i = 0; i < kTries; ++i) {
    const MeanSeconds mean = MeanOf(Normal(40, 1, 0.1, random));
    if (std::abs(mean.mean - 1) <= mean.half_width) ++held;
  }
  // Of 2,000 tries at 95 % the count scatters by 10.
  EXPECT_NEAR(held, 0.95 * kTries, 40);
}

TEST(MeanOfTest, EqualTimesHaveNoError) {
  const MeanSeconds mean = MeanOf({2, 2, 2, 2, 2});
  EXPECT_EQ(mean.mean, 2);
  EXPECT_EQ(mean.half_width, 0);
}

TEST(IsSteadyTest, WantsEnoughWarmStepsAndANarrowInterval) {
  EXPECT_FALSE(IsSteady(std::vector<double>(kMinQuickSteps - 1, 1.0)));
  EXPECT_TRUE(IsSteady(std::vector<double>(kMinQuickSteps, 1.0)));
  std::mt19937 random(7);
  EXPECT_FALSE(IsSteady(Normal(kMinQuickSteps, 1, 0.2, random)));
}

TEST(EstimateLapTest, AddsUpTheParts) {
  const LapEstimate lap = EstimateLap({{{1, 1, 1, 1}, 390}, {{0.5, 0.5, 0.5, 0.5}, 100}});
  EXPECT_DOUBLE_EQ(lap.epoch_seconds, 440);
  EXPECT_DOUBLE_EQ(lap.low_seconds, 440);
  EXPECT_DOUBLE_EQ(lap.high_seconds, 440);
  EXPECT_TRUE(lap.steady);
}

TEST(EstimateLapTest, NothingIsUncertainInWhatWasTimedWhole) {
  // The second is a batch and a half that was gone through twice.
  const LapEstimate lap = EstimateLap({{{1, 2}, 2}, {{1, 2, 1, 2}, 1.5}, {{0.5}, 1}});
  EXPECT_DOUBLE_EQ(lap.epoch_seconds, 3 + 2.25 + 0.5);
  EXPECT_DOUBLE_EQ(lap.low_seconds, lap.epoch_seconds);
  EXPECT_DOUBLE_EQ(lap.high_seconds, lap.epoch_seconds);
}

TEST(EstimateLapTest, ErrorsOfTheParts) {
  std::mt19937 random(7);
  const TimedWork steps{Normal(20, 1, 0.1, random), 390};
  const TimedWork images{Normal(20, 1, 0.1, random), 390};
  const double one = EstimateLap({steps}).high_seconds - EstimateLap({steps}).low_seconds;
  const double other = EstimateLap({images}).high_seconds - EstimateLap({images}).low_seconds;
  const LapEstimate both = EstimateLap({steps, images});
  EXPECT_NEAR(both.high_seconds - both.low_seconds, std::hypot(one, other), 1e-9);
  EXPECT_FALSE(both.steady);
}

}  // namespace
}  // namespace laptime::trainer
