#include "proto/support/line_limit.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

using std::chrono::seconds;

TEST(LineLimitTest, AdmitsSoManyAMinuteAndTellsHowManyItLeftOut) {
  LineLimit limit(2);
  const LineLimit::Time start{};
  EXPECT_EQ(limit.Admit(start), 0);
  EXPECT_EQ(limit.Admit(start + seconds(30)), 0);
  EXPECT_EQ(limit.Admit(start + seconds(31)), std::nullopt);
  EXPECT_EQ(limit.Admit(start + seconds(59)), std::nullopt);
  EXPECT_EQ(limit.Admit(start + seconds(60)), 2);
  EXPECT_EQ(limit.Admit(start + seconds(61)), 0);
  EXPECT_EQ(limit.Admit(start + seconds(62)), std::nullopt);
  EXPECT_EQ(limit.Admit(start + seconds(300)), 1);
}

}  // namespace
}  // namespace laptime
