#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>

namespace laptime::agent {

// Why a device's clocks are held down. The names are those of Conditions.throttle_reasons; the
// first six are NVML's clock event reasons.
inline constexpr std::array<const char*, 7> kThrottleReasons = {"hw_slowdown",
                                                                "sync_boost",
                                                                "sw_thermal_slowdown",
                                                                "hw_thermal_slowdown",
                                                                "hw_power_brake_slowdown",
                                                                "display_clock_setting",
                                                                "cpu_thermal"};
inline constexpr uint32_t kCpuThermal = 1U << 6;

enum class ThermalPressure : uint8_t { kNominal, kFair, kSerious, kCritical };

// What is known of the machine at one time. Absent: it cannot be measured here. Each source of
// telemetry fills in its own part.
struct Moment {
  std::chrono::steady_clock::time_point at;

  // Counters that only grow: their difference over a lap is what the lap's were.
  std::optional<double> busy_seconds;    // CPU time, by anybody, on the CPUs this process may use
  std::optional<double> steal_seconds;   // of those CPUs, taken by the hypervisor; not in busy
  std::optional<double> own_seconds;     // CPU time of the run's processes and of the agent
  std::optional<double> cgroup_seconds;  // CPU time used under the cgroup that has the quota
  std::optional<double> slept_seconds;   // the machine was suspended
  std::optional<double> swapped_in_pages;
  // The CPU's clocks were held down by heat. Grows when such a time ends, by all of it.
  std::optional<double> throttled_seconds;
  std::optional<double> joules;  // the device used, or what `energy_source` counts

  // What the counters are shares of.
  double cpus = 0;                 // that this process may use; 0: not known
  double quota_cpus = 0;           // CPUs' worth of time a cgroup allows; 0: no limit
  const char* energy_source = "";  // a literal: "nvml", "rapl", "ioreport"

  // States; they stand for the time since the moment before.
  std::optional<double> watts;  // only of moments that are samples
  std::optional<bool> foreign_gpu;
  std::optional<uint32_t> throttled;  // bits, one for each of kThrottleReasons
  std::optional<ThermalPressure> thermal;
  std::optional<bool> on_battery;
  std::optional<bool> low_power_mode;
  std::optional<bool> driver_changed;
};

// One moment that stands for two neighbours: the later one, with the worse of their states.
Moment Merged(const Moment& earlier, const Moment& later);

}  // namespace laptime::agent
