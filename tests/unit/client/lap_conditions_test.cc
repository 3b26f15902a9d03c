#include "client/lap_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/grid.h"
#include "laptime/v1/control.pb.h"
#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

v1::GetRunResponse ThreeLaps() {
  return FromText<v1::GetRunResponse>(
      "epochs { number: 1 conditions { foreign_cpu_fraction: 0.004 steal_fraction: 0.03 "
      "  on_battery: false swap_in_fraction: 0 thermal_pressure: 'nominal' } }"
      "epochs { number: 2 conditions { foreign_cpu_fraction: 0.33 steal_fraction: 0.02 "
      "  on_battery: true thermal_pressure: 'fair' throttled_fraction: 0.5 "
      "  throttle_reasons: 'sw_power_cap,hw_slowdown' slept_seconds: 0 } "
      "  energy { joules: 1200 tier: 'device-counter' source: 'rapl' mean_watts: 60 "
      "  images_per_joule: 41.7 } }"
      "epochs { number: 3 conditions { foreign_cpu_fraction: 0.21 on_battery: true } }");
}

TEST(ConditionsNoteTest, TellsTheWorstOfAllLaps) {
  EXPECT_EQ(ConditionsNote(ThreeLaps().epochs()),
            "foreign CPU load up to 33 % (lap 2), steal up to 3.0 % (lap 1), clocks held down up "
            "to 50 % (lap 2), thermal pressure (lap 2), on battery (lap 2)");
}

TEST(ConditionsNoteTest, IsSilentOnAQuietMachine) {
  EXPECT_EQ(ConditionsNote({}), "");
  v1::GetRunResponse quiet = ThreeLaps();
  quiet.mutable_epochs()->DeleteSubrange(1, 2);
  quiet.mutable_epochs(0)->mutable_conditions()->set_steal_fraction(0.0099);
  EXPECT_EQ(ConditionsNote(quiet.epochs()), "");
  quiet.mutable_epochs(0)->clear_conditions();
  EXPECT_EQ(ConditionsNote(quiet.epochs()), "");
}

TEST(ConditionColumnsTest, WhatWasNotMeasuredIsEmptyAndNotZero) {
  std::vector<Column<v1::Epoch>> columns;
  AddConditionColumns(columns);
  const Grid grid = MakeGrid(columns, ThreeLaps().epochs());
  EXPECT_EQ(RenderCsv(grid),
            "energy_joules,energy_mean_watts,images_per_joule,energy_tier,energy_source,"
            "foreign_cpu_fraction,steal_fraction,foreign_gpu_fraction,throttled_fraction,"
            "throttle_reasons,swap_in_fraction,thermal_pressure,on_battery,low_power_mode,"
            "slept_seconds\n"
            ",,,,,0.004,0.03,,,,0,nominal,no,,\n"
            "1200,60,41.7,device-counter,rapl,0.33,0.02,,0.5,\"sw_power_cap,hw_slowdown\",,fair,"
            "yes,,0\n"
            ",,,,,0.21,,,,,,,yes,,\n");
  EXPECT_TRUE(Narrow(grid).headings.empty());
}

}  // namespace
}  // namespace laptime::client
