#include "storage/recent_laps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

class RecentLapsTest : public ::testing::Test {
 protected:
  // A row of Laps::kColumns; "NULL" for what the lap does not have.
  Query Row(int number, const std::string& wall, const std::string& loss = "NULL") {
    return statements_.Get("SELECT " + std::to_string(number) + ", " + wall +
                           ", NULL, NULL, NULL, NULL, " + loss + ", NULL, NULL, NULL, 7.5");
  }

  SQLite::Database database_{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
  Statements statements_{database_};
  RecentLaps laps_{/*most_laps=*/3};
};

TEST_F(RecentLapsTest, RemembersEachAttemptsOwn) {
  EXPECT_EQ(laps_.LastOf(1), 0);
  laps_.Add(1, Row(1, "10", "0.5"));
  laps_.Add(2, Row(4, "99"));
  const Laps& laps = laps_.Add(1, Row(3, "NULL", "0.25"));
  EXPECT_EQ(laps.count, 2);
  EXPECT_THAT(laps.wall, ElementsAre(10));
  EXPECT_THAT(laps.images_per_joule, ElementsAre(7.5, 7.5));
  EXPECT_THAT(laps.mfu, IsEmpty());
  EXPECT_THAT(laps.last_loss, Optional(0.25));
  EXPECT_EQ(laps_.LastOf(1), 3);
  EXPECT_EQ(laps_.LastOf(2), 4);
}

TEST_F(RecentLapsTest, TheLastLossIsTheLastLapsOrNone) {
  laps_.Add(1, Row(1, "10", "0.5"));
  EXPECT_FALSE(laps_.Add(1, Row(2, "10")).last_loss.has_value());
}

TEST_F(RecentLapsTest, ForgetsAllBeyondTheLimit) {
  for (int number = 1; number <= 3; ++number) laps_.Add(1, Row(number, "10"));
  EXPECT_EQ(laps_.LastOf(1), 3);
  laps_.Add(2, Row(1, "10"));
  EXPECT_EQ(laps_.LastOf(2), 0);
  EXPECT_EQ(laps_.LastOf(1), 0);
}

TEST_F(RecentLapsTest, WhatWasForgottenDoesNotCount) {
  for (int number = 1; number <= 3; ++number) laps_.Add(1, Row(number, "10"));
  laps_.Forget(1);
  laps_.Add(2, Row(1, "10"));
  EXPECT_EQ(laps_.LastOf(2), 1);
}

TEST(MedianOfTest, IsTheMiddleOrTheMeanOfTheMiddleTwo) {
  EXPECT_FALSE(MedianOf({}).has_value());
  EXPECT_THAT(MedianOf({3}), Optional(3));
  EXPECT_THAT(MedianOf({5, 1, 3}), Optional(3));
  EXPECT_THAT(MedianOf({9, 1, 4, 2}), Optional(3));
  EXPECT_THAT(MedianOf({2, 2, 2, 8}), Optional(2));
}

}  // namespace
}  // namespace laptime::storage
