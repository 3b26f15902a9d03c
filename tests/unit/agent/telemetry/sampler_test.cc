#include "agent/telemetry/sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/testing/fake_clock.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using testing::FakeClock;

// Gives back what the test put in.
class ScriptedTelemetry : public Telemetry {
 public:
  explicit ScriptedTelemetry(const std::vector<std::optional<double>>& next) : next_(next) {
    sensors_ = {NewSensor(kDeviceUtilization, "percent", "nvml", "made up"),
                NewSensor("device_power", "watts", "nvml", "made up")};
  }
  const std::vector<v1::Sensor>& sensors() const override { return sensors_; }
  std::vector<std::optional<double>> Read() override { return next_; }
  void Observe(Moment& moment) override {
    // Ours is all but a tenth of what is busy.
    moment.busy_seconds = seen_;
    moment.own_seconds = 0.9 * seen_++;
    moment.cpus = 1;
    moment.on_battery = !next_.empty() && next_[0] == kOnBattery;
  }

  static constexpr double kOnBattery = 66;

 private:
  double seen_ = 0;
  const std::vector<std::optional<double>>& next_;
  std::vector<v1::Sensor> sensors_;
};

class SamplerTest : public ::testing::Test {
 protected:
  SamplerTest() : sampler_(clock_, Sources(), seconds(1)) {}

  std::vector<std::unique_ptr<Telemetry>> Sources() {
    std::vector<std::unique_ptr<Telemetry>> sources;
    sources.push_back(std::make_unique<ScriptedTelemetry>(next_));
    return sources;
  }
  void SampleAfterASecond(std::optional<double> utilization,
                          std::optional<double> power = std::nullopt) {
    clock_.Advance(seconds(1));
    next_ = {utilization, power};
    sampler_.Sample();
  }

  FakeClock clock_;
  std::vector<std::optional<double>> next_;
  Sampler sampler_;
};

TEST_F(SamplerTest, BatchesReadingsWithTheirTimes) {
  for (int i = 1; i <= 9; ++i) SampleAfterASecond(i, i == 3 ? std::optional(250.0) : std::nullopt);
  EXPECT_FALSE(sampler_.TakeBatch(/*all=*/false));
  SampleAfterASecond(10);
  const auto batch = sampler_.TakeBatch(/*all=*/false);
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->series_size(), 2);
  EXPECT_EQ(batch->series(0).sensor().name(), kDeviceUtilization);
  EXPECT_EQ(batch->series(0).sensor().period_seconds(), 1);
  EXPECT_THAT(batch->series(0).times_ms(),
              ElementsAre(1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 9000, 10000));
  EXPECT_THAT(batch->series(1).times_ms(), ElementsAre(3000));
  EXPECT_THAT(batch->series(1).values(), ElementsAre(250));
}

// A report has 31 bits for a time.
TEST_F(SamplerTest, TakesNoSamplesThatNoReportCanTell) {
  clock_.Advance(milliseconds(std::numeric_limits<int32_t>::max()) - seconds(1));
  SampleAfterASecond(1);
  SampleAfterASecond(2);
  const auto batch = sampler_.TakeBatch(/*all=*/true);
  ASSERT_TRUE(batch);
  EXPECT_THAT(batch->series(0).times_ms(), ElementsAre(std::numeric_limits<int32_t>::max()));
}

TEST_F(SamplerTest, GivesTheRestAtTheEnd) {
  SampleAfterASecond(50);
  ASSERT_TRUE(sampler_.TakeBatch(/*all=*/true));
  EXPECT_FALSE(sampler_.TakeBatch(/*all=*/true));
}

TEST_F(SamplerTest, SummarizesALap) {
  SampleAfterASecond(5);  // before the lap
  const auto begin = clock_.Now();
  for (const double percent : {91.0, 95.0, 99.0, 80.0}) SampleAfterASecond(percent);
  const auto lap = sampler_.TakeLap(begin, clock_.Now()).utilization;
  ASSERT_TRUE(lap);
  EXPECT_DOUBLE_EQ(lap->mean_percent(), 91.25);
  EXPECT_DOUBLE_EQ(lap->min_percent(), 80);
  EXPECT_NEAR(lap->p5_percent(), 80 + 0.15 * 11, 1e-9);
  EXPECT_DOUBLE_EQ(lap->above_90_fraction(), 0.75);
  EXPECT_EQ(lap->samples(), 4);
  EXPECT_EQ(lap->source(), "nvml");
}

TEST_F(SamplerTest, TellsOneLapFromTheNext) {
  auto begin = clock_.Now();
  SampleAfterASecond(10);
  auto end = clock_.Now();
  EXPECT_DOUBLE_EQ(sampler_.TakeLap(begin, end).utilization->mean_percent(), 10);
  begin = end;
  SampleAfterASecond(90);
  EXPECT_DOUBLE_EQ(sampler_.TakeLap(begin, clock_.Now()).utilization->mean_percent(), 90);
}

TEST_F(SamplerTest, SaysNothingOfALapWithoutReadings) {
  const auto begin = clock_.Now();
  SampleAfterASecond(std::nullopt, 100.0);
  EXPECT_FALSE(sampler_.TakeLap(begin, clock_.Now()).utilization);
  EXPECT_FALSE(sampler_.latest_utilization());
}

TEST_F(SamplerTest, SeesTheConditionsOfALap) {
  const auto begin = sampler_.Mark();
  for (int i = 0; i < 4; ++i) SampleAfterASecond(50);
  const LapFacts lap = sampler_.TakeLap(begin, sampler_.Mark());
  // Four samples and the mark at the end: five seconds of CPU time, of which half a second is not
  // ours, in four.
  EXPECT_NEAR(lap.conditions.foreign_cpu_fraction(), 0.5 / 4, 1e-9);
  EXPECT_FALSE(lap.conditions.on_battery());
}

TEST_F(SamplerTest, KeepsTheConditionsOfOneLapFromTheNext) {
  auto begin = sampler_.Mark();
  SampleAfterASecond(ScriptedTelemetry::kOnBattery);
  SampleAfterASecond(50);
  auto end = sampler_.Mark();
  EXPECT_TRUE(sampler_.TakeLap(begin, end).conditions.on_battery());
  begin = end;
  SampleAfterASecond(50);
  end = sampler_.Mark();
  const v1::Conditions lap = sampler_.TakeLap(begin, end).conditions;
  EXPECT_FALSE(lap.on_battery());
  EXPECT_NEAR(lap.foreign_cpu_fraction(), 0.2, 1e-9);
}

TEST_F(SamplerTest, IntegratesPowerOverALap) {
  const auto begin = sampler_.Mark();
  for (int i = 0; i < 4; ++i) SampleAfterASecond(50, 200);
  const LapFacts lap = sampler_.TakeLap(begin, sampler_.Mark());
  ASSERT_TRUE(lap.energy);
  EXPECT_DOUBLE_EQ(lap.energy->joules(), 800);
  EXPECT_EQ(lap.energy->tier(), "integrated");
  EXPECT_EQ(lap.energy->source(), "nvml");
}

TEST_F(SamplerTest, ThinsALapOfDaysButForgetsNeitherItsBeginNorItsStates) {
  const auto begin = sampler_.Mark();
  SampleAfterASecond(ScriptedTelemetry::kOnBattery);
  for (size_t i = 1; i < 2 * kMaxMoments; ++i) SampleAfterASecond(50);
  EXPECT_LE(sampler_.moments(), kMaxMoments);
  const LapFacts lap = sampler_.TakeLap(begin, sampler_.Mark());
  EXPECT_TRUE(lap.conditions.on_battery());
  EXPECT_NEAR(lap.conditions.foreign_cpu_fraction(), 0.1, 1e-5);
  EXPECT_EQ(sampler_.moments(), 1);
}

}  // namespace
}  // namespace laptime::agent
