#include "client/sparkline.h"

#include <gtest/gtest.h>

namespace laptime::client {
namespace {

TEST(SparklineTest, SpansLowestToHighest) {
  EXPECT_EQ(Sparkline({1.0, 2.0, 3.0, 8.0}, 1), "▁▂▃█");
  EXPECT_EQ(Sparkline({2.0, 1.0}, 1.1), "█▁");
}

TEST(SparklineTest, SmallDifferencesStaySmall) {
  EXPECT_EQ(Sparkline({100.0, 101.0, 99.0}, 1.1), "▂▂▁");
  EXPECT_EQ(Sparkline({5.0, 5.0}, 1.1), "▁▁");
  EXPECT_EQ(Sparkline({5.0, 5.0}, 1), "▁▁");
}

TEST(SparklineTest, WhatIsMissingIsADot) {
  EXPECT_EQ(Sparkline({1.0, std::nullopt, 2.0}, 1), "▁·█");
  EXPECT_EQ(Sparkline({std::nullopt}, 1.1), "·");
  EXPECT_EQ(Sparkline({}, 1.1), "");
}

}  // namespace
}  // namespace laptime::client
