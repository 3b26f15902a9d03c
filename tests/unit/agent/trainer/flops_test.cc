#include "agent/trainer/flops.h"

#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

// The figures that the literature states for this network and workload.
TEST(FlopsTest, AreThoseOfTheReference) {
  EXPECT_NEAR((BackboneFlops() + HeadFlops()) / 2, 0.5556e9, 2e5);
  EXPECT_NEAR(LapFlops(49'920, 0, 0), 333e12, 1e12);
  EXPECT_NEAR(LapFlops(0, 50'000, 10'000), 67e12 + 0.5e12, 1e12);
}

}  // namespace
}  // namespace laptime::trainer
