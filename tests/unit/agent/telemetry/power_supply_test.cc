#include "agent/telemetry/power_supply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::Optional;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class PowerSupplyTest : public ::testing::Test {
 protected:
  void Supply(const std::string& name, const std::string& file, const std::string& value) {
    tree_.Write("sys/class/power_supply/" + name + "/" + file, value + "\n");
  }
  void Battery(const std::string& status) {
    Supply("BAT0", "type", "Battery");
    Supply("BAT0", "status", status);
  }
  void Mains(bool online) {
    Supply("AC", "type", "Mains");
    Supply("AC", "online", online ? "1" : "0");
  }
  void Cpu(int cpu, const std::string& file, const std::string& value) {
    tree_.Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/" + file,
                value + "\n");
  }
  testing::FileTree tree_;
};

TEST_F(PowerSupplyTest, ADischargingBatteryWithoutMainsIsBatteryOperation) {
  EXPECT_EQ(OnBattery(tree_.root()), std::nullopt);
  Battery("Discharging");
  EXPECT_THAT(OnBattery(tree_.root()), Optional(true));
  Mains(false);
  EXPECT_THAT(OnBattery(tree_.root()), Optional(true));
  // Some batteries say so while they are held at a limit.
  Mains(true);
  EXPECT_THAT(OnBattery(tree_.root()), Optional(false));
  Mains(false);
  Battery("Charging");
  EXPECT_THAT(OnBattery(tree_.root()), Optional(false));
}

TEST_F(PowerSupplyTest, TheBatteryOfAMouseIsNotTheMachines) {
  Supply("hidpp_battery_0", "type", "Battery");
  Supply("hidpp_battery_0", "scope", "Device");
  Supply("hidpp_battery_0", "status", "Discharging");
  EXPECT_THAT(OnBattery(tree_.root()), Optional(false));
}

TEST_F(PowerSupplyTest, LowPowerIsTheProfileOfThatName) {
  EXPECT_EQ(LowPowerMode(tree_.root()), std::nullopt);
  tree_.Write("sys/firmware/acpi/platform_profile", "balanced\n");
  EXPECT_THAT(LowPowerMode(tree_.root()), Optional(false));
  tree_.Write("sys/firmware/acpi/platform_profile", "low-power\n");
  EXPECT_THAT(LowPowerMode(tree_.root()), Optional(true));
}

TEST_F(PowerSupplyTest, NamesWhatDecidesAboutClocks) {
  EXPECT_TRUE(PowerFacts(tree_.root(), {0}).empty());
  Mains(true);
  for (int cpu = 0; cpu < 3; ++cpu) Cpu(cpu, "scaling_governor", "performance");
  Cpu(3, "scaling_governor", "powersave");
  Cpu(0, "energy_performance_preference", "balance_power");
  tree_.Write("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n");
  tree_.Write("sys/firmware/acpi/platform_profile", "quiet\n");
  EXPECT_THAT(PowerFacts(tree_.root(), {0, 1, 2}),
              UnorderedElementsAre(Pair("source", "ac"), Pair("governor", "performance"),
                                   Pair("energy_performance_preference", "balance_power"),
                                   Pair("boost", "off"), Pair("platform_profile", "quiet")));
  tree_.Write("sys/devices/system/cpu/online", "0-3\n");
  tree_.Remove("sys/devices/system/cpu/intel_pstate");
  tree_.Write("sys/devices/system/cpu/cpufreq/boost", "1\n");
  const auto all = PowerFacts(tree_.root(), {});
  EXPECT_EQ(all.at("governor"), "performance,powersave");
  EXPECT_EQ(all.at("boost"), "on");
}

}  // namespace
}  // namespace laptime::agent

#endif
