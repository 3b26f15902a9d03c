#include "agent/telemetry/thermal_zones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

class ThermalZonesTest : public ::testing::Test {
 protected:
  void Zone(int number, int thousandths) {
    tree_.Write("sys/class/thermal/thermal_zone" + std::to_string(number) + "/temp",
                std::to_string(thousandths) + "\n");
  }
  void Throttles(int cpu, int count) {
    tree_.Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                    "/thermal_throttle/core_throttle_count",
                std::to_string(count) + "\n");
  }
  void ThrottledFor(int cpu, int milliseconds) {
    tree_.Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                    "/thermal_throttle/package_throttle_total_time_ms",
                std::to_string(milliseconds) + "\n");
  }
  static Moment Observe(ThermalZones& zones) {
    Moment moment;
    zones.Observe(moment);
    return moment;
  }
  static std::optional<uint32_t> Throttled(ThermalZones& zones) { return Observe(zones).throttled; }
  testing::FileTree tree_;
};

TEST_F(ThermalZonesTest, TellsTheHottestZoneThatMeansSomething) {
  Zone(0, 27800);
  Zone(1, 61500);
  Zone(2, 200000);
  Zone(3, -273150);
  tree_.Write("sys/class/thermal/cooling_device0/temp", "99000\n");
  ThermalZones zones(tree_.root(), {}, false);
  ASSERT_EQ(zones.sensors().size(), 1);
  EXPECT_EQ(zones.sensors()[0].source(), "thermal");
  EXPECT_THAT(zones.Read(), ElementsAre(Optional(61.5)));
}

TEST_F(ThermalZonesTest, TakesTheCpusOwnSensorsWhereThereAreNoZones) {
  tree_.Write("sys/class/hwmon/hwmon0/name", "nvme\n");
  tree_.Write("sys/class/hwmon/hwmon0/temp1_input", "90000\n");
  tree_.Write("sys/class/hwmon/hwmon1/name", "k10temp\n");
  tree_.Write("sys/class/hwmon/hwmon1/temp1_input", "55000\n");
  tree_.Write("sys/class/hwmon/hwmon1/temp1_max", "95000\n");
  ThermalZones zones(tree_.root(), {}, false);
  ASSERT_EQ(zones.sensors().size(), 1);
  EXPECT_EQ(zones.sensors()[0].source(), "hwmon");
  EXPECT_THAT(zones.Read(), ElementsAre(Optional(55.0)));
}

TEST_F(ThermalZonesTest, HasNoSensorWithoutAny) {
  EXPECT_THAT(ThermalZones(tree_.root(), {}, false).sensors(), IsEmpty());
}

TEST_F(ThermalZonesTest, ObservesThrottlingOfADeviceThatIsTheCpu) {
  Throttles(0, 4);
  Throttles(1, 7);
  ThermalZones device(tree_.root(), {0, 1, 2}, true);
  EXPECT_THAT(Throttled(device), Optional(0U));
  Throttles(1, 8);
  EXPECT_THAT(Throttled(device), Optional(kCpuThermal));
  EXPECT_THAT(Throttled(device), Optional(0U));
  ThermalZones host(tree_.root(), {0, 1}, false);
  Throttled(host);
  EXPECT_EQ(Throttled(host), std::nullopt);
}

TEST_F(ThermalZonesTest, TellsHowLongItWasThrottledWhenThatEnds) {
  Throttles(0, 4);
  Throttles(1, 4);
  ThermalZones older(tree_.root(), {0, 1}, true);
  EXPECT_EQ(Observe(older).throttled_seconds, std::nullopt) << "an older kernel";
  ThrottledFor(0, 9000);
  ThrottledFor(1, 100);
  ThermalZones device(tree_.root(), {0, 1}, true);
  EXPECT_THAT(Observe(device).throttled_seconds, Optional(0.0)) << "of before";
  Throttles(0, 5);
  EXPECT_THAT(Throttled(device), Optional(kCpuThermal));
  EXPECT_THAT(Throttled(device), Optional(0U)) << "nothing tells";
  ThrottledFor(0, 12000);
  ThrottledFor(1, 2100);
  const Moment end = Observe(device);
  EXPECT_THAT(end.throttled, Optional(kCpuThermal));
  EXPECT_THAT(end.throttled_seconds, Optional(3.0)) << "the longest of the CPUs";
  ThrottledFor(1, 2600);
  EXPECT_THAT(Observe(device).throttled_seconds, Optional(3.5));
}

}  // namespace
}  // namespace laptime::agent

#endif
