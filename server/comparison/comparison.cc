#include "server/comparison/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/support/status.h"
#include "server/comparison/group_facts.h"
#include "server/comparison/run_selection.h"
#include "server/noise_floor.h"
#include "server/run_statistics.h"
#include "storage/run_value.h"

namespace laptime {
namespace {

using storage::Reader;

constexpr double kPercent = 100;

bool IsWholeFit(const RunSelection& group) {
  return std::ranges::any_of(group.imported, &ElsewhereResult::whole_fit);
}

std::vector<double> SecondsOf(const RunSelection& group, bool whole_fit) {
  std::vector<double> seconds;
  for (const Reader::MeasuredRun& run : group.runs)
    seconds.push_back(*storage::RunValue(run.run, whole_fit));
  for (const ElsewhereResult& result : group.imported) seconds.push_back(result.seconds_per_epoch);
  return seconds;
}

// A run on both sides would make them more alike than they are.
absl::Status CheckApart(const RunSelection& a, const RunSelection& b) {
  for (const Reader::MeasuredRun& run : a.runs) {
    const bool shared = std::ranges::any_of(
        b.runs, [&](const Reader::MeasuredRun& other) { return other.run.id() == run.run.id(); });
    if (!shared) continue;
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "run " + run.run.id() + " is on both sides of the comparison",
                    "choose two groups of runs that have none in common");
  }
  return absl::OkStatus();
}

void Describe(const RunSelection& group, const std::vector<double>& seconds,
              const RunGroup& summary, v1::RunGroup& message) {
  message.set_selection(group.selection);
  message.set_workload(group.workload());
  message.set_workload_hash(group.workload_hash());
  message.mutable_seconds()->Add(seconds.begin(), seconds.end());
  message.set_mean_seconds(std::exp(summary.mean_log));
  message.set_source("measured");
  std::set<std::string> devices;
  for (const Reader::MeasuredRun& measured : group.runs) {
    message.add_run_ids(measured.run.id());
    devices.insert(measured.run.device());
    message.set_partial(measured.run.partial());
    message.set_synthetic(measured.run.synthetic());
    if (measured.run.has_estimate()) message.set_estimated(true);
  }
  for (const ElsewhereResult& result : group.imported) {
    message.set_source(result.source);
    devices.insert(result.device_id());
    message.set_partial(result.partial);
    message.set_synthetic(result.synthetic);
  }
  message.mutable_devices()->Add(devices.begin(), devices.end());
}

// ---- where the difference is ----

struct PhaseField {
  const char* name;
  bool (v1::Phases::*has)() const;
  double (v1::Phases::*seconds)() const;
};

// All that add up to a lap: augmentation runs beside.
constexpr std::array<PhaseField, 9> kPhases{{
    {"load_wait", &v1::Phases::has_load_wait, &v1::Phases::load_wait},
    {"host_to_device", &v1::Phases::has_host_to_device, &v1::Phases::host_to_device},
    {"forward", &v1::Phases::has_forward, &v1::Phases::forward},
    {"loss", &v1::Phases::has_loss, &v1::Phases::loss},
    {"backward", &v1::Phases::has_backward, &v1::Phases::backward},
    {"optimizer", &v1::Phases::has_optimizer, &v1::Phases::optimizer},
    {"bank", &v1::Phases::has_bank, &v1::Phases::bank},
    {"knn", &v1::Phases::has_knn, &v1::Phases::knn},
    {"other", &v1::Phases::has_other, &v1::Phases::other},
}};

// Seconds of each phase: the median over a run's laps, the mean over the runs; NaN where none has
// it.
absl::StatusOr<std::array<double, kPhases.size()>> PhaseSeconds(const Reader& reader,
                                                                const RunSelection& group) {
  std::array<double, kPhases.size()> sums{};
  std::array<int, kPhases.size()> counts{};
  std::vector<std::string> run_ids;
  for (const Reader::MeasuredRun& run : group.runs) run_ids.push_back(run.run.id());
  absl::StatusOr<std::vector<std::vector<v1::Phases>>> phases = reader.PhasesOf(run_ids);
  if (!phases.ok()) return phases.status();
  for (const std::vector<v1::Phases>& laps : *phases) {
    for (size_t i = 0; i < kPhases.size(); ++i) {
      std::vector<double> seconds;
      for (const v1::Phases& lap : laps) {
        if ((lap.*kPhases[i].has)()) seconds.push_back((lap.*kPhases[i].seconds)());
      }
      if (seconds.empty()) continue;
      sums[i] += Median(seconds);
      ++counts[i];
    }
  }
  for (size_t i = 0; i < kPhases.size(); ++i) sums[i] /= counts[i];  // 0/0 is NaN
  return sums;
}

absl::Status AddPhases(const Reader& reader, const RunSelection& a, const RunSelection& b,
                       v1::Comparison& comparison) {
  const auto of_a = PhaseSeconds(reader, a);
  if (!of_a.ok()) return of_a.status();
  const auto of_b = PhaseSeconds(reader, b);
  if (!of_b.ok()) return of_b.status();
  double all = 0;
  for (size_t i = 0; i < kPhases.size(); ++i) {
    const double difference = (*of_b)[i] - (*of_a)[i];
    if (std::isnan(difference)) continue;
    v1::PhaseDifference& phase = *comparison.add_phases();
    phase.set_phase(kPhases[i].name);
    phase.set_a_seconds((*of_a)[i]);
    phase.set_b_seconds((*of_b)[i]);
    all += difference;
  }
  for (v1::PhaseDifference& phase : *comparison.mutable_phases()) {
    if (all != 0) phase.set_share((phase.b_seconds() - phase.a_seconds()) / all);
  }
  std::ranges::stable_sort(
      *comparison.mutable_phases(), std::greater<>(),
      [](const v1::PhaseDifference& phase) { return std::abs(phase.share()); });
  return absl::OkStatus();
}

// ---- how sure it is ----

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kDifferent:
      return "different";
    case Verdict::kEquivalent:
      return "equivalent";
    case Verdict::kInconclusive:
      break;
  }
  return "inconclusive";
}

// The larger noise floor of all devices on both sides; nothing where none is known.
absl::StatusOr<std::optional<double>> NoiseFloorOf(const Reader& reader,
                                                   const v1::Comparison& comparison) {
  absl::StatusOr<std::vector<storage::DeviceRow>> devices = reader.Devices();
  if (!devices.ok()) return devices.status();
  std::erase_if(*devices, [&](const storage::DeviceRow& row) {
    const auto has = [&](const v1::RunGroup& group) {
      return group.run_ids_size() > 0 &&
             std::ranges::find(group.devices(), row.device.id()) != group.devices().end();
    };
    return !has(comparison.a()) && !has(comparison.b());
  });
  const auto floors = NoiseFloors(reader, *devices);
  if (!floors.ok()) return floors.status();
  std::optional<double> largest;
  for (const auto& [device, noise] : *floors) largest = std::max(largest.value_or(0), noise.floor);
  return largest;
}

// The ratio is B's time over A's.
void Judge(const RunGroup& a, const RunGroup& b, const Thresholds& thresholds,
           v1::Comparison& comparison) {
  const Comparison judged = CompareRuns(b, a, thresholds);
  comparison.set_factor_percent(kPracticalFactor * kPercent);
  comparison.set_ratio(judged.ratio);
  if (judged.interval) {
    comparison.set_low(judged.interval->low);
    comparison.set_high(judged.interval->high);
  }
  comparison.set_verdict(NameOf(judged.verdict));
  if (const auto runs = RunsToDecide(b, a, thresholds)) comparison.set_runs_needed(*runs);
  if (const auto difference = DetectableDifference(b, a, thresholds))
    comparison.set_detectable_percent(*difference * kPercent);
}

}  // namespace

absl::StatusOr<v1::Comparison> BuildComparison(const Reader& reader,
                                               const v1::CompareRunsRequest& request,
                                               int64_t now_unix_ms) {
  absl::StatusOr<RunSelection> a = SelectRuns(reader, request.a(), now_unix_ms);
  if (!a.ok()) return a.status();
  absl::StatusOr<RunSelection> b = SelectRuns(reader, request.b(), now_unix_ms);
  if (!b.ok()) return b.status();
  LAPTIME_RETURN_IF_ERROR(CheckApart(*a, *b));
  const bool whole_fit = IsWholeFit(*a) || IsWholeFit(*b);
  const std::vector<double> of_a = SecondsOf(*a, whole_fit);
  const std::vector<double> of_b = SecondsOf(*b, whole_fit);
  absl::StatusOr<RunGroup> summary_of_a = SummarizeRuns(of_a);
  if (!summary_of_a.ok()) return summary_of_a.status();
  absl::StatusOr<RunGroup> summary_of_b = SummarizeRuns(of_b);
  if (!summary_of_b.ok()) return summary_of_b.status();

  v1::Comparison comparison;
  comparison.set_n_a(static_cast<int>(of_a.size()));
  comparison.set_n_b(static_cast<int>(of_b.size()));
  comparison.set_basis(whole_fit ? "whole fit / epochs" : "median lap of each run");
  comparison.set_left_out_a(a->left_out);
  comparison.set_left_out_b(b->left_out);
  Describe(*a, of_a, *summary_of_a, *comparison.mutable_a());
  Describe(*b, of_b, *summary_of_b, *comparison.mutable_b());
  absl::StatusOr<GroupFacts> facts_of_a = FactsOf(reader, *a, whole_fit);
  if (!facts_of_a.ok()) return facts_of_a.status();
  absl::StatusOr<GroupFacts> facts_of_b = FactsOf(reader, *b, whole_fit);
  if (!facts_of_b.ok()) return facts_of_b.status();
  Grade(*facts_of_a, *facts_of_b, comparison);
  if (comparison.grade() == kNotComparable) return comparison;
  const auto noise_floor = NoiseFloorOf(reader, comparison);
  if (!noise_floor.ok()) return noise_floor.status();
  if (noise_floor->has_value()) comparison.set_noise_floor_percent(**noise_floor * kPercent);
  const absl::StatusOr<Thresholds> thresholds = MakeThresholds(*noise_floor);
  if (!thresholds.ok()) return thresholds.status();
  Judge(*summary_of_a, *summary_of_b, *thresholds, comparison);
  LAPTIME_RETURN_IF_ERROR(AddPhases(reader, *a, *b, comparison));
  return comparison;
}

}  // namespace laptime
