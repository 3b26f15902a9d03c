#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/telemetry/moment.h"

namespace laptime::agent {

// What macOS's words and numbers mean. No call of macOS in it: it is tested everywhere.

// Of the level that "com.apple.system.thermalpressurelevel" tells (OSThermalNotification.h):
// nominal, moderate, heavy, trapping, sleeping. Absent for one that is not known.
std::optional<ThermalPressure> ThermalPressureOf(uint64_t level);

// Of the type of power source (IOPSKeys.h): "AC Power", "Battery Power", "UPS Power". A UPS that
// provides the power is a battery. Absent for other words.
std::optional<bool> BatteryProvides(const std::string& power_source);

}  // namespace laptime::agent
