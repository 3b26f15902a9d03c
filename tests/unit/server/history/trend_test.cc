#include "server/history/trend.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/random/normal_distribution.hpp>
#include <cmath>
#include <random>
#include <vector>

namespace laptime {
namespace {

TEST(TrendTest, IsThatOfAStraightLine) {
  std::vector<double> logs;
  for (int i = 0; i < 11; ++i) logs.push_back(0.7 + 0.001 * i);
  const auto trend = TheilSenTrend(logs);
  ASSERT_TRUE(trend);
  EXPECT_NEAR(trend->change, std::expm1(0.01), 1e-12);
  EXPECT_NEAR(trend->low, trend->change, 1e-12);
  EXPECT_NEAR(trend->high, trend->change, 1e-12);
}

TEST(TrendTest, OutliersDoNotTurnIt) {
  std::vector<double> logs;
  for (int i = 0; i < 11; ++i) logs.push_back(0.001 * i);
  logs[9] = 4;
  EXPECT_NEAR(TheilSenTrend(logs)->change, std::expm1(0.01), 1e-3);
}

// The slopes of these by hand: 1, 1, 1, 1, 1, 1 (of 0,1,2,3) and 10/4, 9/3, 8/2, 7/1.
TEST(TrendTest, IntervalByHand) {
  const std::vector<double> logs = {0, 0.01, 0.02, 0.03, 0.1};
  const auto trend = TheilSenTrend(logs);
  ASSERT_TRUE(trend);
  // Of 10 slopes Sen's interval takes the 1st and the 10th: (10 - 1.96 sqrt(5 · 4 · 15 / 18)) / 2
  // is 1.0, and (10 + …) / 2 is 9.0, plus one.
  EXPECT_NEAR(trend->change, std::expm1(4 * 0.01), 1e-12);
  EXPECT_NEAR(trend->low, std::expm1(4 * 0.01), 1e-12);
  EXPECT_NEAR(trend->high, std::expm1(4 * 0.07), 1e-12);
}

TEST(TrendTest, SlopesDownAreThoseUpTurnedOver) {
  const auto trend = TheilSenTrend({0, -0.01, -0.02, -0.03, -0.1});
  ASSERT_TRUE(trend);
  EXPECT_NEAR(trend->low, std::expm1(4 * -0.07), 1e-12);
  EXPECT_NEAR(trend->high, std::expm1(4 * -0.01), 1e-12);
}

TEST(TrendTest, EqualTimesTellMoreSurely) {
  // Slopes: six zeros, then 0.01 over 4, 3, 2 and 1. With the ties the variance is 8 instead of
  // 16.7, so the interval ends at the 9th instead of the 10th.
  const auto trend = TheilSenTrend({0, 0, 0, 0, 0.01});
  ASSERT_TRUE(trend);
  EXPECT_EQ(trend->change, 0);
  EXPECT_NEAR(trend->high, std::expm1(4 * 0.01 / 2), 1e-12);
}

TEST(TrendTest, TooFewHaveNone) {
  EXPECT_FALSE(TheilSenTrend({}));
  EXPECT_FALSE(TheilSenTrend({1, 2, 3, 4}));
  EXPECT_TRUE(TheilSenTrend({1, 1, 1, 1, 1}));
  EXPECT_EQ(TheilSenTrend({1, 1, 1, 1, 1})->high, 0);
}

TEST(TrendTest, NoTrendIsRarelySeenInNoise) {
#ifdef LAPTIME_SANITIZED
  constexpr int kSeries = 200;
#else
  constexpr int kSeries = 4000;
#endif
  for (const int runs : {5, 6, 8, 10, 20}) {
    std::mt19937_64 random(static_cast<uint64_t>(runs));
    boost::random::normal_distribution<double> normal(3, 0.01);
    int seen = 0;
    for (int i = 0; i < kSeries; ++i) {
      std::vector<double> logs;
      for (int k = 0; k < runs; ++k) logs.push_back(normal(random));
      const auto trend = TheilSenTrend(logs);
      seen += trend->low > 0 || trend->high < 0 ? 1 : 0;
    }
    // 5 % and three standard errors.
    EXPECT_LE(seen, kSeries * (0.05 + 3 * std::sqrt(0.05 * 0.95 / kSeries))) << runs << " runs";
  }
}

}  // namespace
}  // namespace laptime
