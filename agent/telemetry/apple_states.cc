#include "agent/telemetry/apple_states.h"

namespace laptime::agent {

std::optional<ThermalPressure> ThermalPressureOf(uint64_t level) {
  switch (level) {
    case 0:
      return ThermalPressure::kNominal;
    case 1:
      return ThermalPressure::kFair;
    case 2:
      return ThermalPressure::kSerious;
    case 3:
    case 4:
      return ThermalPressure::kCritical;
    default:
      return std::nullopt;
  }
}

std::optional<bool> BatteryProvides(const std::string& power_source) {
  if (power_source == "AC Power") return false;
  if (power_source == "Battery Power" || power_source == "UPS Power") return true;
  return std::nullopt;
}

}  // namespace laptime::agent
