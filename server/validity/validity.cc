#include "server/validity/validity.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>

namespace laptime {
namespace {

using v1::Conditions;
using v1::Validity;

std::string Percent(double fraction) { return std::to_string(std::lround(100 * fraction)) + " %"; }

// Collects what is held against a run: of each complaint the worst lap.
class Complaints {
 public:
  void Add(const std::string& about, Validity validity, double amount, const std::string& text,
           int lap) {
    Complaint& known = complaints_[about];
    ++known.laps;
    worst_of_laps_[lap] = std::max(worst_of_laps_[lap], validity);
    if (std::pair(validity, amount) <= std::pair(known.validity, known.amount)) return;
    known = {validity, amount, text, lap, known.laps};
  }

  // A fraction held against its limits; absent is no complaint.
  void Measure(const std::string& about, std::optional<double> fraction, ValidityLimit limit,
               const std::string& of, int lap) {
    if (!fraction || *fraction <= 0 || *fraction < limit.suspect) return;
    const Validity validity =
        *fraction >= limit.contaminated ? v1::VALIDITY_CONTAMINATED : v1::VALIDITY_SUSPECT;
    Add(about, validity, *fraction, about + ": " + Percent(*fraction) + " of " + of, lap);
  }

  Judgement Judge(size_t laps) const {
    Judgement judgement;
    std::vector<Complaint> sorted;
    for (const auto& [about, complaint] : complaints_) sorted.push_back(complaint);
    std::ranges::stable_sort(sorted, std::greater<>(), &Complaint::validity);
    for (const Complaint& complaint : sorted) {
      judgement.reasons.push_back(complaint.text);
      if (complaint.lap > 0 && laps > 1)
        judgement.reasons.back() += " in lap " + std::to_string(complaint.lap);
      judgement.validity = std::max(judgement.validity, complaint.validity);
    }
    if (judgement.validity == v1::VALIDITY_CONTAMINATED &&
        Contaminated() < kContaminatedLaps * laps)
      judgement.validity = v1::VALIDITY_SUSPECT;
    return judgement;
  }

 private:
  struct Complaint {
    Validity validity = v1::VALIDITY_UNSPECIFIED;
    double amount = 0;
    std::string text;
    int lap = 0;  // 0: the run as a whole
    int laps = 0;
  };

  double Contaminated() const {
    return static_cast<double>(std::ranges::count_if(
        worst_of_laps_, [](const auto& lap) { return lap.second == v1::VALIDITY_CONTAMINATED; }));
  }

  std::map<std::string, Complaint> complaints_;
  std::map<int, Validity> worst_of_laps_;
};

std::optional<double> If(bool has, double value) {
  return has ? std::optional(value) : std::nullopt;
}

void AddThermal(const std::string& pressure, int lap, Complaints& complaints) {
  if (pressure.empty() || pressure == "nominal") return;
  const bool serious = pressure != "fair";
  complaints.Add("thermal pressure", serious ? v1::VALIDITY_CONTAMINATED : v1::VALIDITY_SUSPECT,
                 serious ? 2 : 1, "thermal pressure: " + pressure, lap);
}

void AddLap(const v1::Epoch& epoch, Complaints& complaints) {
  const int lap = epoch.number();
  const Conditions& was = epoch.conditions();
  if (was.slept_seconds() > 0)
    complaints.Add("slept", v1::VALIDITY_INVALID, was.slept_seconds(),
                   "slept: the machine was suspended", lap);
  if (was.driver_changed())
    complaints.Add("driver", v1::VALIDITY_INVALID, 1, "the device's driver changed", lap);
  const std::string cpu_time = "the machine's CPU time";
  complaints.Measure("steal", If(was.has_steal_fraction(), was.steal_fraction()), kStealLimit,
                     cpu_time, lap);
  complaints.Measure("foreign CPU load",
                     If(was.has_foreign_cpu_fraction(), was.foreign_cpu_fraction()),
                     kForeignCpuLimit, cpu_time, lap);
  complaints.Measure("foreign process on the device",
                     If(was.has_foreign_gpu_fraction(), was.foreign_gpu_fraction()),
                     kForeignGpuLimit, "the time", lap);
  complaints.Measure("clocks held down", If(was.has_throttled_fraction(), was.throttled_fraction()),
                     kThrottledLimit, "the time (" + was.throttle_reasons() + ")", lap);
  complaints.Measure("swap", If(was.has_swap_in_fraction(), was.swap_in_fraction()), kSwapInLimit,
                     "the time", lap);
  AddThermal(was.thermal_pressure(), lap, complaints);
  if (was.on_battery()) complaints.Add("battery", v1::VALIDITY_SUSPECT, 1, "on battery", lap);
  if (was.low_power_mode())
    complaints.Add("low power", v1::VALIDITY_SUSPECT, 1, "low-power mode", lap);
}

bool KnowsTheCpu(const v1::Epoch& lap) { return lap.conditions().has_foreign_cpu_fraction(); }

bool KnowsTheGpu(const v1::Epoch& lap) { return lap.conditions().has_foreign_gpu_fraction(); }

}  // namespace

Judgement JudgeRun(const std::vector<v1::Epoch>& laps, v1::DeviceKind kind,
                   const GateResult& gate) {
  Complaints complaints;
  if (gate.gate == Gate::kFailed) complaints.Add("gate", v1::VALIDITY_INVALID, 1, gate.reason, 0);
  if (gate.gate == Gate::kNotEvaluated)
    complaints.Add("gate", v1::VALIDITY_SUSPECT, 1, gate.reason, 0);
  if (!std::ranges::all_of(laps, KnowsTheCpu))
    complaints.Add("watch", v1::VALIDITY_SUSPECT, 1, "foreign CPU load was not measured", 0);
  if (kind == v1::DEVICE_KIND_CUDA && !std::ranges::all_of(laps, KnowsTheGpu))
    complaints.Add("watch GPU", v1::VALIDITY_SUSPECT, 1,
                   "other processes on the device were not seen", 0);
  for (const v1::Epoch& lap : laps) AddLap(lap, complaints);
  return complaints.Judge(laps.size());
}

bool Counts(Validity validity) {
  return validity != v1::VALIDITY_CONTAMINATED && validity != v1::VALIDITY_INVALID;
}

std::string NameOf(Validity validity) {
  std::string name = v1::Validity_Name(validity).substr(std::string("VALIDITY_").size());
  std::ranges::transform(name, name.begin(),
                         [](char c) { return c == '_' ? ' ' : static_cast<char>(c - 'A' + 'a'); });
  return name;
}

}  // namespace laptime
