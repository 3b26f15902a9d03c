#include "agent/trainer/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace laptime::trainer {
namespace {

TEST(SamplerTest, VisitsEveryImageOnce) {
  std::vector<int32_t> order = ShuffledIndices(1000, 1, 1);
  EXPECT_FALSE(std::ranges::is_sorted(order));
  std::ranges::sort(order);
  for (int32_t i = 0; i < 1000; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
}

TEST(SamplerTest, RepeatsForTheSameSeedAndEpochOnly) {
  EXPECT_EQ(ShuffledIndices(100, 7, 3), ShuffledIndices(100, 7, 3));
  EXPECT_NE(ShuffledIndices(100, 7, 3), ShuffledIndices(100, 7, 4));
  EXPECT_NE(ShuffledIndices(100, 7, 3), ShuffledIndices(100, 8, 3));
}

TEST(SamplerTest, PutsEachImageAnywhere) {
  double sum = 0;
  for (int epoch = 0; epoch < 2000; ++epoch) {
    const std::vector<int32_t> order = ShuffledIndices(11, 1, epoch);
    sum += static_cast<double>(std::ranges::find(order, 0) - order.begin());
  }
  EXPECT_NEAR(sum / 2000, 5.0, 0.3);
}

}  // namespace
}  // namespace laptime::trainer
