#include "agent/telemetry/lap_conditions.h"

#include <algorithm>
#include <string>

namespace laptime::agent {
namespace {

std::optional<double> ShareOf(std::optional<double> part, double whole) {
  if (!part || !(whole > 0)) return std::nullopt;
  return std::clamp(*part / whole, 0.0, 1.0);
}

std::optional<double> ForeignCpu(const LapWindow& lap, const Moment& last) {
  const auto own = lap.Growth(&Moment::own_seconds);
  if (!own) return std::nullopt;
  const auto foreign = [&](std::optional<double> Moment::*counter) -> std::optional<double> {
    const auto all = lap.Growth(counter);
    return all ? std::optional(*all - *own) : std::nullopt;
  };
  const auto machine = ShareOf(foreign(&Moment::busy_seconds), last.cpus * lap.seconds());
  const auto quota = ShareOf(foreign(&Moment::cgroup_seconds), last.quota_cpus * lap.seconds());
  return machine && quota ? std::max(machine, quota) : machine ? machine : quota;
}

void AddCpu(const LapWindow& lap, v1::Conditions& conditions) {
  if (lap.moments().empty() ||
      lap.seconds() < std::chrono::duration<double>(kShortestCpuLap).count())
    return;
  const Moment& last = lap.moments().back();
  if (auto share = ShareOf(lap.Growth(&Moment::steal_seconds), last.cpus * lap.seconds()))
    conditions.set_steal_fraction(*share);
  if (auto share = ForeignCpu(lap, last)) conditions.set_foreign_cpu_fraction(*share);
}

void AddThrottling(const LapWindow& lap, v1::Conditions& conditions) {
  uint32_t reasons = 0;
  lap.ForEach([&](const Moment& moment) { reasons |= moment.throttled.value_or(0); });
  const auto share = lap.Share([](const Moment&, const Moment& now) {
    return now.throttled ? std::optional(*now.throttled != 0) : std::nullopt;
  });
  if (!share) return;
  conditions.set_throttled_fraction(*share);
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
