#include "client/lap_conditions.h"

#include <algorithm>
#include <array>
#include <optional>

namespace laptime::client {
namespace {

using v1::Conditions;
using v1::Epoch;

#define LAPTIME_CONDITION(field) \
  [](const Epoch& e) -> std::optional<double> { return LAPTIME_MEASURED(e.conditions(), field); }
#define LAPTIME_ENERGY(field) \
  [](const Epoch& e) -> std::optional<double> { return LAPTIME_MEASURED(e.energy(), field); }

std::string YesNo(bool has, bool value) { return !has ? "" : value ? "yes" : "no"; }

void AddEnergy(std::vector<Column<Epoch>>& columns) {
  constexpr Shown kWide = Shown::kWide;
  columns.push_back(MeasuredColumn<Epoch>("energy_joules", "JOULES", LAPTIME_ENERGY(joules),
                                          Significant3, kWide));
  columns.push_back(MeasuredColumn<Epoch>("energy_mean_watts", "WATTS", LAPTIME_ENERGY(mean_watts),
                                          Significant3, kWide));
  columns.push_back(MeasuredColumn<Epoch>("images_per_joule", "IMG/J",
                                          LAPTIME_ENERGY(images_per_joule), Significant3, kWide));
  columns.push_back(TextColumn<Epoch>(
      "energy_tier", "ENERGY BY", [](const Epoch& e) { return e.energy().tier(); }, kWide));
  columns.push_back(TextColumn<Epoch>(
      "energy_source", "ENERGY FROM", [](const Epoch& e) { return e.energy().source(); }, kWide));
}

// A share that is worth a word when any lap has it.
struct Disturbance {
  std::string what;
  std::optional<double> (*share)(const Epoch&);
};

const std::array<Disturbance, 5>& Disturbances() {
  static const std::array<Disturbance, 5> all = {{
      {"foreign CPU load", LAPTIME_CONDITION(foreign_cpu_fraction)},
      {"steal", LAPTIME_CONDITION(steal_fraction)},
      {"another process on the device", LAPTIME_CONDITION(foreign_gpu_fraction)},
      {"clocks held down", LAPTIME_CONDITION(throttled_fraction)},
      {"swapping in", LAPTIME_CONDITION(swap_in_fraction)},
  }};
  return all;
}

// A state that a lap had or not.
struct State {
  std::string what;
  bool (*held)(const Conditions&);
};

const std::array<State, 5>& States() {
  static const std::array<State, 5> all = {{
      {"thermal pressure",
       [](const Conditions& c) {
         return !c.thermal_pressure().empty() && c.thermal_pressure() != "nominal";
       }},
      {"on battery", [](const Conditions& c) { return c.on_battery(); }},
      {"low-power mode", [](const Conditions& c) { return c.low_power_mode(); }},
      {"suspended", [](const Conditions& c) { return c.slept_seconds() > 0; }},
      {"another driver", [](const Conditions& c) { return c.driver_changed(); }},
  }};
  return all;
}

std::string Lap(const Epoch& epoch) { return " (lap " + std::to_string(epoch.number()) + ")"; }

}  // namespace

void AddConditionColumns(std::vector<Column<Epoch>>& columns) {
  constexpr Shown kWide = Shown::kWide;
  AddEnergy(columns);
  columns.push_back(MeasuredColumn<Epoch>("foreign_cpu_fraction", "FOREIGN CPU",
                                          LAPTIME_CONDITION(foreign_cpu_fraction), Share, kWide));
  columns.push_back(MeasuredColumn<Epoch>("steal_fraction", "STEAL",
                                          LAPTIME_CONDITION(steal_fraction), Share, kWide));
  columns.push_back(MeasuredColumn<Epoch>("foreign_gpu_fraction", "FOREIGN GPU",
                                          LAPTIME_CONDITION(foreign_gpu_fraction), Share, kWide));
  columns.push_back(MeasuredColumn<Epoch>("throttled_fraction", "THROTTLED",
                                          LAPTIME_CONDITION(throttled_fraction), Share, kWide));
  columns.push_back(TextColumn<Epoch>(
      "throttle_reasons", "BECAUSE",
      [](const Epoch& e) { return e.conditions().throttle_reasons(); }, kWide));
  columns.push_back(MeasuredColumn<Epoch>("swap_in_fraction", "SWAP IN",
                                          LAPTIME_CONDITION(swap_in_fraction), Share, kWide));
  columns.push_back(TextColumn<Epoch>(
      "thermal_pressure", "THERMAL",
      [](const Epoch& e) { return e.conditions().thermal_pressure(); }, kWide));
  columns.push_back(TextColumn<Epoch>(
      "on_battery", "BATTERY",
      [](const Epoch& e) {
        return YesNo(e.conditions().has_on_battery(), e.conditions().on_battery());
      },
      kWide));
  columns.push_back(TextColumn<Epoch>(
      "low_power_mode", "LOW POWER",
      [](const Epoch& e) {
        return YesNo(e.conditions().has_low_power_mode(), e.conditions().low_power_mode());
      },
      kWide));
  columns.push_back(MeasuredColumn<Epoch>("slept_seconds", "SLEPT",
                                          LAPTIME_CONDITION(slept_seconds), Duration, kWide));
}

std::string ConditionsNote(const google::protobuf::RepeatedPtrField<Epoch>& epochs) {
  constexpr double kWorthAWord = 0.01;
  std::string note;
  const auto add = [&note](const std::string& text) { note += (note.empty() ? "" : ", ") + text; };
  for (const Disturbance& disturbance : Disturbances()) {
    const auto worst = std::ranges::max_element(
        epochs, {}, [&](const Epoch& epoch) { return disturbance.share(epoch).value_or(0); });
    if (worst == epochs.end()) break;
    const double share = disturbance.share(*worst).value_or(0);
    if (share >= kWorthAWord) add(disturbance.what + " up to " + Share(share) + Lap(*worst));
  }
  for (const State& state : States()) {
    const auto first = std::ranges::find_if(
        epochs, [&](const Epoch& epoch) { return state.held(epoch.conditions()); });
    if (first != epochs.end()) add(state.what + Lap(*first));
  }
  return note;
}

}  // namespace laptime::client
