#pragma once

#include <chrono>

#include "agent/telemetry/lap_window.h"
#include "laptime/v1/common.pb.h"

namespace laptime::agent {

// Of a shorter lap no shares of CPU time are told: the kernel counts it in ticks of 10 ms for each
// CPU and each process, which is 2 % of this.
inline constexpr std::chrono::milliseconds kShortestCpuLap{500};
// A suspend takes longer; below it is the jitter of two clocks that are read one after the other.
inline constexpr double kLeastSleepSeconds = 0.05;

// What else went on in the lap, judged by nobody yet. Whatever could not be measured is absent.
//
// The foreign share is that of the CPUs' time that was neither idle, stolen, the run's nor the
// agent's. Under a cgroup's quota it is also what others used of the quota; the larger of the two
// counts.
v1::Conditions ConditionsOf(const LapWindow& lap);

// "nominal", "fair", "serious", "critical".
const char* Name(ThermalPressure pressure);

}  // namespace laptime::agent
