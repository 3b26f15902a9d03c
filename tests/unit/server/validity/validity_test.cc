#include "server/validity/validity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace laptime {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using v1::Conditions;
using v1::Validity;

const GateResult kPassed{Gate::kPassed, ""};
constexpr v1::DeviceKind kCpu = v1::DEVICE_KIND_CPU;

// A lap during which nothing else went on.
v1::Epoch QuietLap(int number) {
  v1::Epoch lap;
  lap.set_number(number);
  lap.mutable_conditions()->set_foreign_cpu_fraction(0.01);
  return lap;
}

Judgement JudgeLap(const std::function<void(Conditions&)>& change) {
  v1::Epoch lap = QuietLap(1);
  change(*lap.mutable_conditions());
  return JudgeRun({lap}, kCpu, kPassed);
}

Validity ValidityOf(const std::function<void(Conditions&)>& change) {
  return JudgeLap(change).validity;
}

TEST(ValidityTest, AQuietRunIsClean) {
  const Judgement judgement = JudgeRun({QuietLap(1), QuietLap(2)}, kCpu, kPassed);
  EXPECT_EQ(judgement.validity, v1::VALIDITY_CLEAN);
  EXPECT_THAT(judgement.reasons, IsEmpty());
}

struct LimitCase {
  const char* name;
  ValidityLimit limit;
  void (Conditions::*set)(double);
};

class LimitTest : public ::testing::TestWithParam<LimitCase> {};

TEST_P(LimitTest, HoldsAtItsFigures) {
  const auto of = [](double fraction) {
    return ValidityOf([&](Conditions& conditions) { (conditions.*GetParam().set)(fraction); });
  };
  const ValidityLimit limit = GetParam().limit;
  EXPECT_EQ(of(0), v1::VALIDITY_CLEAN);
  EXPECT_EQ(of(limit.suspect - 1e-6), v1::VALIDITY_CLEAN);
  EXPECT_EQ(of(limit.suspect + 1e-6), v1::VALIDITY_SUSPECT);
  EXPECT_EQ(of(limit.contaminated - 1e-6), v1::VALIDITY_SUSPECT);
  EXPECT_EQ(of(limit.contaminated), v1::VALIDITY_CONTAMINATED);
}

INSTANTIATE_TEST_SUITE_P(
    All, LimitTest,
    ::testing::Values(LimitCase{"steal", {0.02, 0.10}, &Conditions::set_steal_fraction},
                      LimitCase{"foreign_cpu", {0.05, 0.15}, &Conditions::set_foreign_cpu_fraction},
                      LimitCase{"foreign_gpu", {0.05, 0.15}, &Conditions::set_foreign_gpu_fraction},
                      LimitCase{"throttled", {0.02, 0.20}, &Conditions::set_throttled_fraction},
                      LimitCase{"swap_in", {0, 0.20}, &Conditions::set_swap_in_fraction}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ValidityTest, HeatAndBatteryCount) {
  const auto pressure = [](const char* level) {
    return ValidityOf([&](Conditions& was) { was.set_thermal_pressure(level); });
  };
  EXPECT_EQ(pressure("nominal"), v1::VALIDITY_CLEAN);
  EXPECT_EQ(pressure("fair"), v1::VALIDITY_SUSPECT);
  EXPECT_EQ(pressure("serious"), v1::VALIDITY_CONTAMINATED);
  EXPECT_EQ(pressure("critical"), v1::VALIDITY_CONTAMINATED);
  EXPECT_EQ(ValidityOf([](Conditions& was) { was.set_on_battery(true); }), v1::VALIDITY_SUSPECT);
  EXPECT_EQ(ValidityOf([](Conditions& was) { was.set_low_power_mode(true); }),
            v1::VALIDITY_SUSPECT);
}

TEST(ValidityTest, SleepAndANewDriverMakeItInvalid) {
  EXPECT_EQ(ValidityOf([](Conditions& was) { was.set_slept_seconds(3); }), v1::VALIDITY_INVALID);
  EXPECT_EQ(ValidityOf([](Conditions& was) { was.set_slept_seconds(0); }), v1::VALIDITY_CLEAN);
  EXPECT_EQ(ValidityOf([](Conditions& was) { was.set_driver_changed(true); }),
            v1::VALIDITY_INVALID);
}

TEST(ValidityTest, TheGateDecides) {
  EXPECT_EQ(JudgeRun({QuietLap(1)}, kCpu, {Gate::kFailed, "wrong"}).validity, v1::VALIDITY_INVALID);
  EXPECT_EQ(JudgeRun({QuietLap(1)}, kCpu, {Gate::kNotEvaluated, "why"}).validity,
            v1::VALIDITY_SUSPECT);
  EXPECT_THAT(JudgeRun({QuietLap(1)}, kCpu, {Gate::kFailed, "wrong"}).reasons,
              ElementsAre("wrong"));
}

TEST(ValidityTest, WhatNobodyWatchedIsSuspect) {
  EXPECT_EQ(JudgeRun({v1::Epoch()}, kCpu, kPassed).validity, v1::VALIDITY_SUSPECT);
  EXPECT_EQ(JudgeRun({QuietLap(1), v1::Epoch()}, kCpu, kPassed).validity, v1::VALIDITY_SUSPECT);
}

TEST(ValidityTest, OnAGpuItsProcessesMustHaveBeenSeen) {
  v1::Epoch lap = QuietLap(1);
  EXPECT_THAT(JudgeRun({lap}, v1::DEVICE_KIND_CUDA, kPassed).reasons,
              ElementsAre(HasSubstr("other processes on the device were not seen")));
  lap.mutable_conditions()->set_foreign_gpu_fraction(0);
  EXPECT_EQ(JudgeRun({lap}, v1::DEVICE_KIND_CUDA, kPassed).validity, v1::VALIDITY_CLEAN);
}

TEST(ValidityTest, SaysTheWorstFirstAndWhere) {
  std::vector<v1::Epoch> laps = {QuietLap(1), QuietLap(2)};
  laps[0].mutable_conditions()->set_steal_fraction(0.03);
  laps[0].mutable_conditions()->set_foreign_cpu_fraction(0.2);
  laps[1].mutable_conditions()->set_foreign_cpu_fraction(0.31);
  const Judgement judgement = JudgeRun(laps, kCpu, kPassed);
  EXPECT_EQ(judgement.validity, v1::VALIDITY_CONTAMINATED);
  EXPECT_THAT(judgement.reasons,
              ElementsAre("foreign CPU load: 31 % of the machine's CPU time in lap 2",
                          "steal: 3 % of the machine's CPU time in lap 1"));
}

TEST(ValidityTest, NamesWhatHeldTheClocksDown) {
  const Judgement judgement = JudgeLap([](Conditions& was) {
    was.set_throttled_fraction(0.5);
    was.set_throttle_reasons("hw thermal slowdown");
  });
  EXPECT_THAT(judgement.reasons.at(0), HasSubstr("hw thermal slowdown"));
}

// The value is the median lap, which one bad lap of many does not move.
TEST(ValidityTest, OneBadLapOfManyIsOnlySuspect) {
  std::vector<v1::Epoch> laps;
  for (int number = 1; number <= 21; ++number) laps.push_back(QuietLap(number));
  laps[4].mutable_conditions()->set_foreign_cpu_fraction(0.5);
  laps[5].mutable_conditions()->set_foreign_cpu_fraction(0.5);
  EXPECT_EQ(JudgeRun(laps, kCpu, kPassed).validity, v1::VALIDITY_SUSPECT);
  laps[6].mutable_conditions()->set_foreign_cpu_fraction(0.5);
  EXPECT_EQ(JudgeRun(laps, kCpu, kPassed).validity, v1::VALIDITY_CONTAMINATED);
}

TEST(ValidityTest, ContaminatedAndInvalidRunsLeaveBaselines) {
  EXPECT_TRUE(Counts(v1::VALIDITY_CLEAN));
  EXPECT_TRUE(Counts(v1::VALIDITY_SUSPECT));
  EXPECT_TRUE(Counts(v1::VALIDITY_NOT_EVALUATED));
  EXPECT_FALSE(Counts(v1::VALIDITY_CONTAMINATED));
  EXPECT_FALSE(Counts(v1::VALIDITY_INVALID));
  EXPECT_EQ(NameOf(v1::VALIDITY_NOT_EVALUATED), "not evaluated");
}

}  // namespace
}  // namespace laptime
