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

// A machine's load lasts for more than a step, so neighbours resemble each other.
TEST(MeanOfTest, HoldsTheTrueMeanOfCorrelatedStepsInFourOfFive) {
  constexpr double kCorrelation = 0.6;
  std::mt19937 random(7);
  constexpr int kTries = 2000;
  int held = 0;
  for (int i = 0; i < kTries; ++i) {
    const std::vector<double> noise = Normal(20, 0, 0.01, random);
    std::vector<double> seconds;
    double state = noise[0];
    for (const double fresh : noise) {
      state = kCorrelation * state + std::sqrt(1 - kCorrelation * kCorrelation) * fresh;
      seconds.push_back(1 + state);
    }
    const MeanSeconds mean = MeanOf(seconds);
    if (std::abs(mean.mean - 1) <= mean.half_width) ++held;
  }
  EXPECT_GT(held, 0.85 * kTries);
}

TEST(QuickStepsTest, ATwentiethButNeverTooFew) {
  EXPECT_EQ(QuickSteps(390), 20);
  EXPECT_EQ(QuickSteps(97), kMinQuickSteps);
  EXPECT_EQ(QuickSteps(5), 5);
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
