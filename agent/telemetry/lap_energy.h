#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/telemetry/lap_window.h"
#include "laptime/v1/common.pb.h"

namespace laptime::agent {

inline constexpr char kDeviceCounter[] = "device-counter";
inline constexpr char kIntegrated[] = "integrated";

// What the device used over the lap: the difference of its counter where it has one, else the
// integral of its power samples (trapezoids), where these cover the lap with no gap over 2.5
// periods. `power_source` is that of the samples. Absent where there is neither.
std::optional<v1::Energy> EnergyOf(const LapWindow& lap, std::chrono::duration<double> period,
                                   const std::string& power_source);

}  // namespace laptime::agent
