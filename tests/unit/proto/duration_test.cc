#include "proto/support/duration.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

using std::chrono::milliseconds;

const std::vector<std::string> kAll = {"ms", "s", "m", "h", "d", "w"};

TEST(ParseDurationTest, TakesANumberAndAUnit) {
  EXPECT_EQ(ParseDuration("250ms", kAll), milliseconds(250));
  EXPECT_EQ(ParseDuration("90s", kAll), std::chrono::seconds(90));
  EXPECT_EQ(ParseDuration("10m", kAll), std::chrono::minutes(10));
  EXPECT_EQ(ParseDuration("12h", kAll), std::chrono::hours(12));
  EXPECT_EQ(ParseDuration("30d", kAll), std::chrono::hours(720));
  EXPECT_EQ(ParseDuration("1000000w", kAll), 1000000 * std::chrono::hours(168));
  for (const char* text :
       {"", "d", "-1d", "0d", "1y", "1", " 1d", "1d2", "1000001ms", "99999999999999999999d"})
    EXPECT_EQ(ParseDuration(text, kAll), std::nullopt) << text;
}

TEST(ParseDurationTest, TakesNoOtherUnits) {
  EXPECT_EQ(ParseDuration("1d", {"ms", "s"}), std::nullopt);
  EXPECT_EQ(ParseDuration("1s", {"ms", "s"}), milliseconds(1000));
}

}  // namespace
}  // namespace laptime
