#include <limits>

#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SamplesTest : public DatabaseTest {
 protected:
  static v1::SampleSeries Series(const std::string& sensor, const std::vector<int>& times,
                                 const std::vector<double>& values) {
    v1::SampleSeries series;
    series.mutable_sensor()->set_name(sensor);
    series.mutable_sensor()->set_unit("percent");
    series.mutable_sensor()->set_period_seconds(1);
    for (const int time : times) series.add_times_ms(time);
    for (const double value : values) series.add_values(value);
    return series;
  }

  absl::Status Insert(const v1::SampleSeries& series) {
    v1::SampleBatch batch;
    *batch.add_series() = series;
    return tx_.InsertSamples(attempt_, batch);
  }

  const v1::AttemptRef attempt_ = Seeder::AddAttempt(tx_);
};

TEST_F(SamplesTest, ComeBackBySensorAndTime) {
  ASSERT_OK(Insert(Series("cpu", {1000, 2000}, {50, 0})));
  ASSERT_OK(Insert(Series("gpu", {1000}, {99.5})));
  ASSERT_OK(Insert(Series("cpu", {2000, 3000}, {77, 60})));  // 2000 is there already
  ASSERT_OK_AND_ASSIGN(const auto all, tx_.Samples("r1", 1));
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0].sensor().DebugString(), Series("cpu", {}, {}).sensor().DebugString());
  EXPECT_THAT(all[0].times_ms(), ElementsAre(1000, 2000, 3000));
  EXPECT_THAT(all[0].values(), ElementsAre(50, 0, 60));
  EXPECT_THAT(all[1].values(), ElementsAre(99.5));
  EXPECT_EQ(Ask("SELECT count(*) FROM sensor"), "2");
}

TEST_F(SamplesTest, ASensorIsAllOfItsFields) {
  v1::SampleSeries other = Series("cpu", {1000}, {1});
  other.mutable_sensor()->set_source("procfs");
  ASSERT_OK(Insert(Series("cpu", {1000}, {50})));
  ASSERT_OK(Insert(other));
  EXPECT_EQ(tx_.Samples("r1", 0).value().size(), 2);
}

TEST_F(SamplesTest, NotANumberIsNoReading) {
  ASSERT_OK(Insert(Series("cpu", {1000, 2000}, {std::numeric_limits<double>::quiet_NaN(), 3})));
  EXPECT_THAT(tx_.Samples("r1", 1).value().at(0).times_ms(), ElementsAre(2000));
}

TEST_F(SamplesTest, RefusesTimesWithoutValues) {
  EXPECT_THAT(Insert(Series("cpu", {1, 2}, {3})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("2 times but 1 values")));
  EXPECT_EQ(tx_.Samples("r1", 1).value().size(), 0);
}

}  // namespace
}  // namespace laptime::storage
