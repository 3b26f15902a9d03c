#include "agent/telemetry/host_states.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "agent/telemetry/sleep_clock.h"
#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::Optional;

Moment Observed(const std::filesystem::path& root) {
  Moment moment;
  OpenHostStates(root)->Observe(moment);
  return moment;
}

TEST(HostStatesTest, SeesSwapBatteryAndProfile) {
  testing::FileTree tree;
  tree.Write("proc/vmstat", "pgpgin 7\npswpin 41\npswpout 12\n");
  tree.Write("sys/class/power_supply/BAT0/type", "Battery\n");
  tree.Write("sys/class/power_supply/BAT0/status", "Discharging\n");
  tree.Write("sys/firmware/acpi/platform_profile", "low-power\n");
  const Moment moment = Observed(tree.root());
  EXPECT_THAT(moment.swapped_in_pages, Optional(41.0));
  EXPECT_THAT(moment.on_battery, Optional(true));
  EXPECT_THAT(moment.low_power_mode, Optional(true));
  EXPECT_TRUE(moment.slept_seconds);
}

TEST(HostStatesTest, SaysNothingOfWhatTheKernelDoesNotTell) {
  testing::FileTree tree;
  const Moment moment = Observed(tree.root());
  EXPECT_FALSE(moment.swapped_in_pages);
  EXPECT_FALSE(moment.on_battery);
  EXPECT_FALSE(moment.low_power_mode);
}

TEST(SleepClockTest, StandsStillWhileTheMachineIsAwake) {
  const double before = SleptSeconds();
  EXPECT_GE(before, -1e-3);
  EXPECT_LT(std::abs(SleptSeconds() - before), 0.01);
}

}  // namespace
}  // namespace laptime::agent

#endif
