#include "proto/support/age.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

constexpr int64_t kDay = 24LL * 3600 * 1000;

TEST(ParseAgeTest, TakesANumberAndAUnit) {
  EXPECT_EQ(ParseAge("30d"), 30 * kDay);
  EXPECT_EQ(ParseAge("12h"), kDay / 2);
  EXPECT_EQ(ParseAge("1w"), 7 * kDay);
  EXPECT_EQ(ParseAge("90m"), kDay / 16);
  for (const char* text : {"", "d", "-1d", "0d", "1y", "1", "99999999999999999999d", "1d2"})
    EXPECT_EQ(ParseAge(text), std::nullopt) << text;
}

}  // namespace
}  // namespace laptime
