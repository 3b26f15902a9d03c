#include "agent/telemetry/apple_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace laptime::agent {
namespace {

using ::testing::Optional;

TEST(AppleStatesTest, KnowsTheLevelsOfThermalPressure) {
  EXPECT_THAT(ThermalPressureOf(0), Optional(ThermalPressure::kNominal));
  EXPECT_THAT(ThermalPressureOf(1), Optional(ThermalPressure::kFair));
  EXPECT_THAT(ThermalPressureOf(2), Optional(ThermalPressure::kSerious));
  EXPECT_THAT(ThermalPressureOf(3), Optional(ThermalPressure::kCritical));
  EXPECT_THAT(ThermalPressureOf(4), Optional(ThermalPressure::kCritical));
  EXPECT_EQ(ThermalPressureOf(5), std::nullopt);
}

TEST(AppleStatesTest, KnowsTheSourcesOfPower) {
  EXPECT_THAT(BatteryProvides("AC Power"), Optional(false));
  EXPECT_THAT(BatteryProvides("Battery Power"), Optional(true));
  EXPECT_THAT(BatteryProvides("UPS Power"), Optional(true));
  EXPECT_EQ(BatteryProvides(""), std::nullopt);
}

}  // namespace
}  // namespace laptime::agent
