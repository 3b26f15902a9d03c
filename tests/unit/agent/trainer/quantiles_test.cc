#include "agent/trainer/quantiles.h"

#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

TEST(QuantilesTest, InterpolatesBetweenOrderStatistics) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  const Quantiles q = QuantilesOf(values);
  EXPECT_DOUBLE_EQ(q.p1, 1);
  EXPECT_DOUBLE_EQ(q.p5, 5);
  EXPECT_DOUBLE_EQ(q.p50, 50);
  EXPECT_DOUBLE_EQ(q.p95, 95);
  EXPECT_DOUBLE_EQ(q.p99, 99);
  EXPECT_DOUBLE_EQ(q.max, 100);
  EXPECT_DOUBLE_EQ(QuantilesOf({1, 2}).p50, 1.5);
}

TEST(QuantilesTest, TakesASingleValue) {
  const Quantiles q = QuantilesOf({3});
  EXPECT_DOUBLE_EQ(q.p1, 3);
  EXPECT_DOUBLE_EQ(q.p50, 3);
  EXPECT_DOUBLE_EQ(q.max, 3);
}

}  // namespace
}  // namespace laptime::trainer
