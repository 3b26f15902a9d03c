#include "agent/telemetry/apple_frameworks.h"
#include "agent/telemetry/apple_states.h"
#include "agent/telemetry/power_supply.h"

namespace laptime::agent {

std::optional<bool> OnBattery(const std::filesystem::path& /*root*/) {
  const auto cf = CoreFoundation::Open();
  const auto io = IoKit::Open();
  if (!cf || !io) return std::nullopt;
  return BatteryProvides(io->PowerSource(*cf));
}

std::optional<bool> LowPowerMode(const std::filesystem::path& /*root*/) {
  const auto state = NotifyState("com.apple.system.lowpowermode");
  return state ? std::optional(*state != 0) : std::nullopt;
}

std::map<std::string, std::string> PowerFacts(const std::filesystem::path& root,
                                              const std::vector<int>& /*cpus*/) {
  std::map<std::string, std::string> facts;
  if (const auto battery = OnBattery(root)) facts["source"] = *battery ? "battery" : "ac";
  if (const auto low = LowPowerMode(root)) facts["low_power_mode"] = *low ? "on" : "off";
  return facts;
}

}  // namespace laptime::agent
