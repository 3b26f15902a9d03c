#include "agent/telemetry/lap_conditions.h"

#include <gtest/gtest.h>

namespace laptime::agent {
namespace {

using std::chrono::seconds;

// Ten seconds of a machine with four CPUs, one moment a second; each test changes some of them.
class LapConditionsTest : public ::testing::Test {
 protected:
  LapConditionsTest() {
    for (int second = 0; second <= 10; ++second) {
      Moment moment;
      moment.at = start_ + seconds(second);
      moment.cpus = 4;
      moments_.push_back(moment);
    }
  }
  void Counter(std::optional<double> Moment::*counter, double per_second) {
    for (size_t i = 0; i < moments_.size(); ++i)
      moments_[i].*counter = 1000 + per_second * static_cast<double>(i);
  }
  v1::Conditions Lap(int from, int to) {
    return ConditionsOf(LapWindow(moments_, start_ + seconds(from), start_ + seconds(to)));
  }

  const TimePoint start_ = TimePoint(seconds(5000));
  std::deque<Moment> moments_;
};

TEST_F(LapConditionsTest, SaysNothingOfWhatNobodyMeasured) {
  const v1::Conditions lap = Lap(0, 10);
  EXPECT_EQ(lap.ByteSizeLong(), 0) << lap.ShortDebugString();
  moments_.clear();
  EXPECT_EQ(Lap(0, 10).ByteSizeLong(), 0);
}

TEST_F(LapConditionsTest, ForeignLoadIsWhatWasBusyButNotOurs) {
  Counter(&Moment::busy_seconds, 3);
  Counter(&Moment::own_seconds, 2);
  EXPECT_NEAR(Lap(2, 8).foreign_cpu_fraction(), 0.25, 1e-9);
  // Counted by ticks, all may come out as less than our part of it.
  Counter(&Moment::busy_seconds, 1.99);
  EXPECT_TRUE(Lap(2, 8).has_foreign_cpu_fraction());
  EXPECT_EQ(Lap(2, 8).foreign_cpu_fraction(), 0);
}

TEST_F(LapConditionsTest, ForeignLoadNeedsBothSides) {
  Counter(&Moment::busy_seconds, 3);
  EXPECT_FALSE(Lap(2, 8).has_foreign_cpu_fraction());
  // Known only from the middle of the lap on.
  for (size_t i = 5; i < moments_.size(); ++i) moments_[i].own_seconds = 1;
  EXPECT_FALSE(Lap(2, 8).has_foreign_cpu_fraction());
  EXPECT_TRUE(Lap(6, 8).has_foreign_cpu_fraction());
}

TEST_F(LapConditionsTest, UnderAQuotaWhatOthersTakeOfItCounts) {
  Counter(&Moment::busy_seconds, 2);
  Counter(&Moment::own_seconds, 1.9);
  Counter(&Moment::cgroup_seconds, 2);
  for (Moment& moment : moments_) moment.quota_cpus = 2;
  EXPECT_NEAR(Lap(0, 10).foreign_cpu_fraction(), 0.05, 1e-9);  // 0.1 of 2, not 0.1 of 4
  // Other groups are busy, which the quota says nothing of.
  Counter(&Moment::busy_seconds, 3.9);
  EXPECT_NEAR(Lap(0, 10).foreign_cpu_fraction(), 0.5, 1e-9);
}

TEST_F(LapConditionsTest, StealIsAShareOfAllCpus) {
  Counter(&Moment::steal_seconds, 0.4);
  EXPECT_NEAR(Lap(0, 10).steal_fraction(), 0.1, 1e-9);
}

TEST_F(LapConditionsTest, CountersAreTakenBetweenTheMoments) {
  Counter(&Moment::own_seconds, 0);
  Counter(&Moment::busy_seconds, 0);
  for (size_t i = 3; i < moments_.size(); ++i) *moments_[i].busy_seconds += 4;  // in second 3
  const auto lap = [&](double from, double to) {
    const auto at = [&](double second) {
      return start_ + std::chrono::milliseconds(static_cast<int>(1000 * second));
    };
    return ConditionsOf(LapWindow(moments_, at(from), at(to))).foreign_cpu_fraction();
  };
  EXPECT_NEAR(lap(2, 3), 1, 1e-9);
  EXPECT_NEAR(lap(2.5, 4.5), 0.25, 1e-9);
  EXPECT_NEAR(lap(3, 8), 0, 1e-9);
}

TEST_F(LapConditionsTest, TellsNoShareOfCpuTimeForALapOfAFewTicks) {
  Counter(&Moment::busy_seconds, 3);
  Counter(&Moment::own_seconds, 2);
  Counter(&Moment::steal_seconds, 1);
  const auto lap = [&](std::chrono::milliseconds length) {
    return ConditionsOf(LapWindow(moments_, start_, start_ + length));
  };
  EXPECT_TRUE(lap(kShortestCpuLap).has_foreign_cpu_fraction());
  EXPECT_TRUE(lap(kShortestCpuLap).has_steal_fraction());
  EXPECT_FALSE(lap(kShortestCpuLap - std::chrono::milliseconds(1)).has_foreign_cpu_fraction());
  EXPECT_FALSE(lap(kShortestCpuLap - std::chrono::milliseconds(1)).has_steal_fraction());
}

TEST_F(LapConditionsTest, SharesOfStatesAreSharesOfTime) {
  for (Moment& moment : moments_) moment.foreign_gpu = false;
  moments_[4].foreign_gpu = true;  // second 4
  EXPECT_NEAR(Lap(0, 10).foreign_gpu_fraction(), 0.1, 1e-9);
  EXPECT_NEAR(Lap(3, 5).foreign_gpu_fraction(), 0.5, 1e-9);
  EXPECT_EQ(Lap(4, 10).foreign_gpu_fraction(), 0);
  // What could not be seen is neither.
  for (size_t i = 6; i < moments_.size(); ++i) moments_[i].foreign_gpu.reset();
  EXPECT_NEAR(Lap(1, 9).foreign_gpu_fraction(), 0.25, 1e-9);
  EXPECT_FALSE(Lap(1, 10).has_foreign_gpu_fraction()) << "of less than half of the lap";
}

TEST_F(LapConditionsTest, ACounterThatStartsAgainTellsNothing) {
  Counter(&Moment::steal_seconds, 0.4);
  Counter(&Moment::slept_seconds, -1e-3);
  EXPECT_TRUE(Lap(0, 10).has_steal_fraction());
  EXPECT_TRUE(Lap(0, 10).has_slept_seconds()) << "two clocks read one after the other";
  // It ends above where the lap began, all the same.
  for (size_t i = 0; i < 5; ++i) moments_[i].steal_seconds = static_cast<double>(i);
  for (size_t i = 5; i < moments_.size(); ++i)
    moments_[i].steal_seconds = static_cast<double>(i - 5);
  EXPECT_FALSE(Lap(0, 10).has_steal_fraction());
  EXPECT_TRUE(Lap(0, 4).has_steal_fraction());
  EXPECT_TRUE(Lap(5, 10).has_steal_fraction());
}

TEST_F(LapConditionsTest, CpusAreThoseOfTheLap) {
  Counter(&Moment::busy_seconds, 3);
  Counter(&Moment::own_seconds, 2);
  for (size_t i = 9; i < moments_.size(); ++i) moments_[i].cpus = 1;
  EXPECT_NEAR(Lap(2, 8).foreign_cpu_fraction(), 0.25, 1e-9);
  Moment unread;
  unread.at = moments_[8].at;
  moments_[8] = unread;
  EXPECT_NEAR(Lap(2, 8).foreign_cpu_fraction(), 0.25, 1e-9);
}

TEST_F(LapConditionsTest, NamesTheReasonsOfThrottling) {
  for (Moment& moment : moments_) moment.throttled = 0;
  EXPECT_TRUE(Lap(0, 10).has_throttled_fraction());
  EXPECT_EQ(Lap(0, 10).throttle_reasons(), "");
  moments_[2].throttled = 1U << 0;
  moments_[3].throttled = 1U << 0 | 1U << 3;
  EXPECT_NEAR(Lap(0, 10).throttled_fraction(), 0.2, 1e-9);
  EXPECT_EQ(Lap(0, 10).throttle_reasons(), "hw_slowdown,hw_thermal_slowdown");
  EXPECT_EQ(Lap(3, 10).throttle_reasons(), "");
}

TEST_F(LapConditionsTest, ThrottlingThatTheKernelTimedCountsByItsTime) {
  for (Moment& moment : moments_) moment.throttled = 0;
  Counter(&Moment::throttled_seconds, 0);
  moments_[3].throttled = kCpuThermal;  // it begins
  moments_[8].throttled = kCpuThermal;  // and ends
  for (size_t i = 8; i < moments_.size(); ++i) *moments_[i].throttled_seconds += 5;
  EXPECT_NEAR(Lap(0, 10).throttled_fraction(), 0.5, 1e-9);
  EXPECT_EQ(Lap(0, 10).throttle_reasons(), "cpu_thermal");
  EXPECT_NEAR(Lap(0, 5).throttled_fraction(), 0.2, 1e-9) << "its end is not known yet";
  EXPECT_EQ(Lap(6, 10).throttled_fraction(), 1) << "longer than the lap";
}

TEST_F(LapConditionsTest, SwappingIsTheShareOfTimeInWhichPagesCameBack) {
  Counter(&Moment::swapped_in_pages, 0);
  EXPECT_TRUE(Lap(0, 10).has_swap_in_fraction());
  EXPECT_EQ(Lap(0, 10).swap_in_fraction(), 0);
  for (size_t i = 7; i < moments_.size(); ++i) *moments_[i].swapped_in_pages += 3;
  EXPECT_NEAR(Lap(5, 10).swap_in_fraction(), 0.2, 1e-9);
}

TEST_F(LapConditionsTest, SleepIsWhatTheClockGrewByAndNoJitter) {
  Counter(&Moment::slept_seconds, 1e-5);
  EXPECT_TRUE(Lap(0, 10).has_slept_seconds());
  EXPECT_EQ(Lap(0, 10).slept_seconds(), 0);
  for (size_t i = 6; i < moments_.size(); ++i) *moments_[i].slept_seconds += 90;
  EXPECT_NEAR(Lap(4, 8).slept_seconds(), 90, 1e-3);
  EXPECT_EQ(Lap(0, 4).slept_seconds(), 0);
}

TEST_F(LapConditionsTest, AStateOfAnyTimeInTheLapCounts) {
  for (Moment& moment : moments_) {
    moment.on_battery = false;
    moment.low_power_mode = false;
    moment.driver_changed = false;
    moment.thermal = ThermalPressure::kNominal;
  }
  EXPECT_FALSE(Lap(0, 10).on_battery());
  EXPECT_TRUE(Lap(0, 10).has_on_battery());
  EXPECT_EQ(Lap(0, 10).thermal_pressure(), "nominal");
  moments_[4].on_battery = true;
  moments_[5].low_power_mode = true;
  moments_[6].driver_changed = true;
  moments_[7].thermal = ThermalPressure::kSerious;
  moments_[8].thermal = ThermalPressure::kFair;
  const v1::Conditions lap = Lap(0, 10);
  EXPECT_TRUE(lap.on_battery());
  EXPECT_TRUE(lap.low_power_mode());
  EXPECT_TRUE(lap.driver_changed());
  EXPECT_EQ(lap.thermal_pressure(), "serious");
  EXPECT_EQ(Lap(7, 10).thermal_pressure(), "fair");
  EXPECT_FALSE(Lap(4, 10).on_battery());  // that of the lap before
}

TEST(MomentTest, OneOfTwoStandsForTheWorseState) {
  Moment earlier, later;
  earlier.foreign_gpu = true;
  later.foreign_gpu = false;
  earlier.throttled = 1;
  later.throttled = 4;
  earlier.thermal = ThermalPressure::kCritical;
  later.on_battery = true;
  earlier.busy_seconds = 1;
  later.busy_seconds = 2;
  const Moment merged = Merged(earlier, later);
  EXPECT_TRUE(*merged.foreign_gpu);
  EXPECT_EQ(*merged.throttled, 5U);
  EXPECT_EQ(*merged.thermal, ThermalPressure::kCritical);
  EXPECT_TRUE(*merged.on_battery);
  EXPECT_FALSE(merged.low_power_mode);
  EXPECT_EQ(*merged.busy_seconds, 2);
}

}  // namespace
}  // namespace laptime::agent
