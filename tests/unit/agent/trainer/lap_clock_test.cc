#include "agent/trainer/lap_clock.h"

#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace laptime::trainer {
namespace {

using std::chrono::milliseconds;
using TimePoint = std::chrono::steady_clock::time_point;

class LapClockTest : public ::testing::Test {
 protected:
  LapClock::Now now() {
    return [this] { return time_; };
  }

  static double Of(const PhaseSeconds& split, Phase phase) {
    return split[static_cast<size_t>(phase)];
  }

  static double Sum(const PhaseSeconds& split) {
    return std::accumulate(split.begin(), split.end(), 0.0);
  }

  TimePoint time_{};
};

TEST_F(LapClockTest, SplitsTheLapWithoutRemainder) {
  LapClock clock(now());
  time_ += milliseconds(9);  // before the lap
  clock.Start();
  time_ += milliseconds(1);
  clock.Enter(Phase::kForward);
  time_ += milliseconds(20);
  clock.Enter(Phase::kBackward);
  time_ += milliseconds(40);
  clock.Enter(Phase::kForward);
  time_ += milliseconds(5);
  clock.Enter(Phase::kOther);
  time_ += milliseconds(2);

  const auto [seconds, split] = clock.Read();
  EXPECT_DOUBLE_EQ(Of(split, Phase::kForward), 0.025);
  EXPECT_DOUBLE_EQ(Of(split, Phase::kBackward), 0.040);
  EXPECT_NEAR(Of(split, Phase::kOther), 0.003, 1e-12);
  EXPECT_DOUBLE_EQ(Of(split, Phase::kKnn), 0);
  EXPECT_DOUBLE_EQ(seconds, 0.068);
  EXPECT_DOUBLE_EQ(clock.Elapsed(), 0.068);
  EXPECT_NEAR(Sum(split), seconds, 1e-12);
}

// A thread may lose its processor between any two looks at the clock.
TEST_F(LapClockTest, PhasesAddUpWhenTimePassesBetweenLooks) {
  LapClock clock([this] { return time_ += milliseconds(1); });
  clock.Enter(Phase::kForward);
  clock.Enter(Phase::kOther);
  const auto [seconds, split] = clock.Read();
  EXPECT_NEAR(Sum(split), seconds, 1e-12);
}

TEST_F(LapClockTest, CountsTheRunningPhase) {
  LapClock clock(now());
  clock.Enter(Phase::kKnn);
  time_ += milliseconds(7);
  EXPECT_DOUBLE_EQ(Of(clock.Read().phases, Phase::kKnn), 0.007);
}

TEST_F(LapClockTest, ForgetsTheLapBefore) {
  LapClock clock(now());
  clock.Enter(Phase::kKnn);
  time_ += milliseconds(7);
  clock.Start();
  EXPECT_DOUBLE_EQ(Of(clock.Read().phases, Phase::kKnn), 0);
  EXPECT_DOUBLE_EQ(clock.Elapsed(), 0);
}

TEST_F(LapClockTest, WaitsForTheDeviceBeforeAPhaseEnds) {
  LapClock clock(now(), [this] { time_ += milliseconds(30); });
  clock.Enter(Phase::kForward);
  clock.Enter(Phase::kBackward);
  EXPECT_DOUBLE_EQ(Of(clock.Read().phases, Phase::kForward), 0.030);
}

}  // namespace
}  // namespace laptime::trainer
