#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace laptime::agent {

// Whether the machine runs on a battery of its own (not on that of a mouse): one discharges and no
// mains is online. Absent where Linux does not list power supplies (/sys/class/power_supply).
std::optional<bool> OnBattery(const std::filesystem::path& root);

// Whether the firmware's profile is "low-power"; absent where there is none.
std::optional<bool> LowPowerMode(const std::filesystem::path& root);

// What decides about power and clocks here, for the snapshot, which names them alike: "source" (ac,
// battery), and of the CPUs in `cpus` (empty = all) "governor", "energy_performance_preference",
// "boost" (on, off), "platform_profile", "low_power_mode" (on, off; a Mac). Different values of
// CPUs have commas between them. What is not known is left out.
std::map<std::string, std::string> PowerFacts(const std::filesystem::path& root,
                                              const std::vector<int>& cpus);

}  // namespace laptime::agent
