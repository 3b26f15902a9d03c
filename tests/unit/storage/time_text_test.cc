#include "storage/time_text.h"

#include <gtest/gtest.h>

namespace laptime::storage {
namespace {

TEST(TimeTextTest, ATimeIsTheStretchThatItNames) {
  constexpr int64_t kDay = 24LL * 3600 * 1000;
  EXPECT_EQ(ParseInstants("1970-01-02")->begin, kDay);
  EXPECT_EQ(ParseInstants("1970-01-02")->end, 2 * kDay);
  EXPECT_EQ(ParseInstants("2026-11-01")->begin, 1793491200000);
  EXPECT_EQ(ParseInstants("2026-11-01T08:30")->begin, 1793491200000 + 510 * 60'000);
  EXPECT_EQ(ParseInstants("2026-11-01T08:30")->end, 1793491200000 + 511 * 60'000);
  EXPECT_EQ(ParseInstants("2026-11-01T08:30:15")->begin, 1793491200000 + 510 * 60'000 + 15'000);
  EXPECT_EQ(ParseInstants("2026-11-01T08:30:15")->end, 1793491200000 + 510 * 60'000 + 16'000);
  EXPECT_TRUE(ParseInstants("2028-02-29"));
}

TEST(TimeTextTest, WhatIsNoTimeIsNone) {
  for (const char* text :
       {"", "2026", "2026-11", "2026-13-01", "2026-11-31", "2027-02-29", "2026-1-01", "1969-12-31",
        "2026-11-01T", "2026-11-01T24:00", "2026-11-01T08:60", "2026-11-01T08:30:60",
        "2026-11-01T08:30:15Z", "2026-11-01 08:30", " 2026-11-01", "+026-11-01", "today", "30d"})
    EXPECT_FALSE(ParseInstants(text)) << text;
}

}  // namespace
}  // namespace laptime::storage
