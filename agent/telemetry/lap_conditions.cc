#include "agent/telemetry/lap_conditions.h"

#include <algorithm>
#include <string>

namespace laptime::agent {
namespace {

// What `counter` grew by in the lap, less `own`, over the time of those CPUs.
std::optional<double> ShareOf(const LapWindow& lap, std::optional<double> Moment::*counter,
                              double Moment::*cpus, double own = 0) {
  const auto all = lap.Growth(counter);
  if (!all) return std::nullopt;
  const double whole = lap.Last(counter)->*cpus * lap.seconds();
  if (!(whole > 0)) return std::nullopt;
  return std::clamp((*all - own) / whole, 0.0, 1.0);
}

std::optional<double> ForeignCpu(const LapWindow& lap) {
  const auto own = lap.Growth(&Moment::own_seconds);
  if (!own) return std::nullopt;
  const auto machine = ShareOf(lap, &Moment::busy_seconds, &Moment::cpus, *own);
  const auto quota = ShareOf(lap, &Moment::cgroup_seconds, &Moment::quota_cpus, *own);
  return machine && quota ? std::max(machine, quota) : machine ? machine : quota;
}

void AddCpu(const LapWindow& lap, v1::Conditions& conditions) {
  if (lap.seconds() < std::chrono::duration<double>(kShortestCpuLap).count()) return;
  if (auto share = ShareOf(lap, &Moment::steal_seconds, &Moment::cpus))
    conditions.set_steal_fraction(*share);
  if (auto share = ForeignCpu(lap)) conditions.set_foreign_cpu_fraction(*share);
}

void AddThrottling(const LapWindow& lap, v1::Conditions& conditions) {
  uint32_t reasons = 0;
  lap.ForEach([&](const Moment& moment) { reasons |= moment.throttled.value_or(0); });
  const auto share = lap.Share([](const Moment&, const Moment& now) {
    return now.throttled ? std::optional(*now.throttled != 0) : std::nullopt;
  });
  if (!share) return;
  const double counted = lap.Growth(&Moment::throttled_seconds).value_or(0) / lap.seconds();
  conditions.set_throttled_fraction(std::max(*share, std::min(counted, 1.0)));
  std::string names;
  for (size_t i = 0; i < kThrottleReasons.size(); ++i) {
    if ((reasons >> i & 1) == 0) continue;
    names += (names.empty() ? "" : ",") + std::string(kThrottleReasons.at(i));
  }
  conditions.set_throttle_reasons(names);
}

// Whether a state held at any time of the lap.
std::optional<bool> Ever(const LapWindow& lap, std::optional<bool> Moment::*state) {
  std::optional<bool> ever;
  lap.ForEach([&](const Moment& moment) {
    if (moment.*state) ever = ever.value_or(false) || *(moment.*state);
  });
  return ever;
}

void AddStates(const LapWindow& lap, v1::Conditions& conditions) {
  std::optional<ThermalPressure> worst;
  lap.ForEach([&](const Moment& moment) {
    if (moment.thermal) worst = std::max(worst.value_or(*moment.thermal), *moment.thermal);
  });
  if (worst) conditions.set_thermal_pressure(Name(*worst));
  if (auto ever = Ever(lap, &Moment::on_battery)) conditions.set_on_battery(*ever);
  if (auto ever = Ever(lap, &Moment::low_power_mode)) conditions.set_low_power_mode(*ever);
  if (auto ever = Ever(lap, &Moment::driver_changed)) conditions.set_driver_changed(*ever);
}

}  // namespace

v1::Conditions ConditionsOf(const LapWindow& lap) {
  v1::Conditions conditions;
  AddCpu(lap, conditions);
  AddThrottling(lap, conditions);
  AddStates(lap, conditions);
  if (auto share = lap.Share([](const Moment&, const Moment& now) { return now.foreign_gpu; }))
    conditions.set_foreign_gpu_fraction(*share);
  const auto swapped =
      lap.Share([](const Moment& before, const Moment& now) -> std::optional<bool> {
        if (!before.swapped_in_pages || !now.swapped_in_pages) return std::nullopt;
        return *now.swapped_in_pages > *before.swapped_in_pages;
      });
  if (swapped) conditions.set_swap_in_fraction(*swapped);
  if (auto slept = lap.Growth(&Moment::slept_seconds))
    conditions.set_slept_seconds(*slept < kLeastSleepSeconds ? 0 : *slept);
  return conditions;
}

const char* Name(ThermalPressure pressure) {
  switch (pressure) {
    case ThermalPressure::kNominal:
      return "nominal";
    case ThermalPressure::kFair:
      return "fair";
    case ThermalPressure::kSerious:
      return "serious";
    default:
      return "critical";
  }
}

}  // namespace laptime::agent
