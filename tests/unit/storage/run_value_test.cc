#include "storage/run_value.h"

#include <gmock/gmock.h>

#include <limits>

#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(RunValueTest, IsTheMedianLapUnlessThereIsAnEstimate) {
  v1::Run run;
  EXPECT_THAT(RunValue(run), Eq(std::nullopt));
  run.set_median_epoch_seconds(10);
  EXPECT_THAT(RunValue(run), Optional(10));
  run.mutable_estimate()->set_epoch_seconds(400);
  EXPECT_THAT(RunValue(run), Optional(400));
}

TEST(RunValueTest, TheWholeFitStandsForLapsNotForAnEstimate) {
  v1::Run run;
  run.set_median_epoch_seconds(10);
  EXPECT_THAT(RunValue(run, /*whole_fit=*/true), Optional(10));
  run.set_fit_seconds_per_epoch(11);
  EXPECT_THAT(RunValue(run), Optional(10));
  EXPECT_THAT(RunValue(run, /*whole_fit=*/true), Optional(11));
  run.mutable_estimate()->set_epoch_seconds(400);
  EXPECT_THAT(RunValue(run, /*whole_fit=*/true), Optional(400));
}

TEST(RunValueTest, NoTimeIsNoValue) {
  v1::Run run;
  for (const double seconds : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()}) {
    run.set_median_epoch_seconds(seconds);
    EXPECT_THAT(RunValue(run), Eq(std::nullopt)) << seconds;
  }
}

class RunValueSqlTest : public DatabaseTest {};

TEST_F(RunValueSqlTest, SaysTheSameOfTheNewestAttempt) {
  Seeder::AddAttempt(tx_);
  const std::string query = std::string("SELECT coalesce(") + kRunValueSql + ", 'none') FROM run";
  EXPECT_EQ(Ask(query), "none");
  database().exec("UPDATE run SET median_epoch_seconds = 10");
  EXPECT_EQ(Ask(query), "10.0");
  database().exec("UPDATE attempt SET estimated_epoch_seconds = 400");
  EXPECT_EQ(Ask(query), "400.0");
  ASSERT_OK(tx_.InsertAttempt("r1", "command-2", 4000));
  database().exec("UPDATE run SET median_epoch_seconds = 12");
  EXPECT_EQ(Ask(query), "12.0");
}

}  // namespace
}  // namespace laptime::storage
