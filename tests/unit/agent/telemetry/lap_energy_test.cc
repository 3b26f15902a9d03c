#include "agent/telemetry/lap_energy.h"

#include <gtest/gtest.h>

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class LapEnergyTest : public ::testing::Test {
 protected:
  Moment& Add(double second) {
    Moment moment;
    moment.at = At(second);
    moments_.push_back(moment);
    return moments_.back();
  }
  TimePoint At(double second) const {
    return start_ + milliseconds(static_cast<int64_t>(1000 * second));
  }
  std::optional<v1::Energy> Lap(double from, double to) {
    return EnergyOf(LapWindow(moments_, At(from), At(to)), seconds(1), "nvml");
  }

  const TimePoint start_ = TimePoint(seconds(5000));
  std::deque<Moment> moments_;
};

TEST_F(LapEnergyTest, TakesTheDifferenceOfACounter) {
  for (int second = 0; second <= 10; ++second) {
    Moment& moment = Add(second);
    moment.joules = 7000 + 250 * second;
    moment.energy_source = "rapl";
    moment.watts = 1;  // counts for less
  }
  const auto lap = Lap(2, 6);
  ASSERT_TRUE(lap);
  EXPECT_DOUBLE_EQ(lap->joules(), 1000);
  EXPECT_DOUBLE_EQ(lap->mean_watts(), 250);
  EXPECT_EQ(lap->tier(), "device-counter");
  EXPECT_EQ(lap->source(), "rapl");
}

TEST_F(LapEnergyTest, ACounterThatStartsAgainIsNoEnergy) {
  for (int second = 0; second <= 10; ++second) {
    Moment& moment = Add(second);
    moment.joules = second < 5 ? 7000 + 250 * second : 250 * (second - 5);
    moment.energy_source = "nvml";
  }
  EXPECT_FALSE(Lap(2, 8));
  EXPECT_DOUBLE_EQ(Lap(5, 8)->joules(), 750);
  for (Moment& moment : moments_) moment.watts = 100;
  EXPECT_DOUBLE_EQ(Lap(2, 8)->joules(), 600);
  EXPECT_EQ(Lap(2, 8)->tier(), "integrated");
}

TEST_F(LapEnergyTest, NamesTheSourceThatCountedInTheLap) {
  for (int second = 0; second <= 4; ++second) {
    Moment& moment = Add(second);
    moment.joules = 10 * second;
    moment.energy_source = "rapl";
  }
  Add(5);  // could not be read
  EXPECT_EQ(Lap(0, 4)->source(), "rapl");
}

TEST_F(LapEnergyTest, IntegratesPowerElsewhere) {
  for (int second = 0; second <= 4; ++second) Add(second).watts = 100 * second;
  Add(4.5);  // a moment that is no sample
  const auto lap = Lap(1, 3);
  ASSERT_TRUE(lap);
  EXPECT_DOUBLE_EQ(lap->joules(), 400);
  EXPECT_DOUBLE_EQ(lap->mean_watts(), 200);
  EXPECT_EQ(lap->tier(), "integrated");
  EXPECT_EQ(lap->source(), "nvml");
  // From 0.5 to 1: 75 W for half a second; then 1 to 2: 150 W; then half a second at 225 W.
  EXPECT_DOUBLE_EQ(Lap(0.5, 2.5)->joules(), 37.5 + 150 + 112.5);
}

TEST_F(LapEnergyTest, HoldsTheLastSampleToTheEndOfTheLap) {
  for (int second = 1; second <= 4; ++second) Add(second).watts = 100;
  EXPECT_DOUBLE_EQ(Lap(0, 5)->joules(), 500);
}

TEST_F(LapEnergyTest, SaysNothingWhereSamplesDoNotCoverTheLap) {
  EXPECT_FALSE(Lap(0, 5));
  Add(0).watts = 100;
  EXPECT_FALSE(Lap(0, 1)) << "one sample";
  Add(1).watts = 100;
  Add(4).watts = 100;
  Add(5).watts = 100;
  EXPECT_FALSE(Lap(0, 5)) << "a gap of three periods";
  EXPECT_TRUE(Lap(4, 5));
  EXPECT_FALSE(Lap(4, 7)) << "nothing in the last two periods";
  moments_.pop_front();
  moments_.pop_front();
  EXPECT_FALSE(Lap(2, 5)) << "nothing in the first two periods";
}

}  // namespace
}  // namespace laptime::agent
