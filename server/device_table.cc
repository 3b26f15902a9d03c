#include "server/device_table.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "server/digest.h"
#include "server/import_results.h"
#include "server/job_desk.h"
#include "server/run_statistics.h"

namespace laptime {
namespace {

using nlohmann::json;
using storage::Reader;

constexpr char kDefaultWorkload[] = "simclr-cifar10";

// The hashed keys without what makes a variant of the same work: limits, and where the images come
// from.
json Core(json hashed) {
  for (const char* key : {"max_steps_per_epoch", "train_images", "eval_images", "dataset", "quick"})
    hashed.erase(key);
  return hashed;
}

struct Variant {
  json hashed;
  bool partial = false;
  bool synthetic = false;
  int full_steps = 0;
  int full_images = 0;  // bank and test images of a full evaluation; 0 where there is none
};

std::optional<Variant> ReadVariant(const std::string& preset, const std::string& hashed_json) {
  Variant variant;
  variant.hashed = json::parse(hashed_json, nullptr, /*allow_exceptions=*/false);
  auto resolved = ResolveConfig(preset, variant.hashed);
  const auto* spec = std::get_if<WorkloadSpec>(&resolved);
  if (spec == nullptr) return std::nullopt;  // written by a version with other keys
  variant.partial = spec->partial();
  variant.synthetic = spec->synthetic();
  json full = variant.hashed;
  for (const char* key : {"max_steps_per_epoch", "train_images", "eval_images"}) full[key] = 0;
  full["quick"] = false;
  auto unlimited = ResolveConfig(preset, full);
  const auto* whole = std::get_if<WorkloadSpec>(&unlimited);
  if (whole == nullptr) return std::nullopt;
  variant.full_steps = whole->steps_per_epoch();
  if (whole->evaluated()) variant.full_images = whole->train_images() + whole->eval_images();
  return variant;
}

// One run's time for the row: its median lap, or what a full lap would take.
std::optional<double> LapOf(const Reader::MeasuredRun& run, const Variant& variant) {
  if (run.run.has_estimate()) return run.run.estimate().epoch_seconds();
  if (!variant.partial) {
    if (!run.run.has_median_epoch_seconds()) return std::nullopt;
    return run.run.median_epoch_seconds();
  }
  if (run.step_seconds.empty()) return std::nullopt;
  if (variant.full_images == 0) return variant.full_steps * Median(run.step_seconds);
  if (run.evaluation_seconds.empty() || run.evaluated_images == 0) return std::nullopt;
  return variant.full_steps * Median(run.step_seconds) +
         Median(run.evaluation_seconds) * variant.full_images / run.evaluated_images;
}

// Collects the runs of one row.
struct Group {
  v1::TableRow row;
  std::vector<double> laps;
  std::vector<double> fits;
  std::vector<double> utilizations;
};

void AddRun(Group& group, const Reader::MeasuredRun& measured, const Variant& variant) {
  const std::optional<double> lap = LapOf(measured, variant);
  if (!lap) return;
  const v1::Run& run = measured.run;
  if (group.laps.empty()) {
    group.row.set_device(run.device());
    group.row.set_kind(run.kind());
    group.row.set_model(run.device_model());
    group.row.set_source("measured");
    group.row.set_workload_hash(run.workload_hash());
    if (variant.partial) {
      group.row.add_marks("estimated");
      group.row.add_marks("partial");
    }
    if (variant.synthetic) group.row.add_marks("synthetic");
  }
  group.laps.push_back(*lap);
  if (!variant.partial && run.has_fit_seconds_per_epoch())
    group.fits.push_back(run.fit_seconds_per_epoch());
  if (run.has_utilization_percent()) group.utilizations.push_back(run.utilization_percent());
  if (run.has_knn_accuracy()) {
    group.row.set_knn_accuracy(std::max(group.row.knn_accuracy(), run.knn_accuracy()));
  }
}

v1::TableRow Close(Group& group) {
  v1::TableRow& row = group.row;
  row.set_runs(static_cast<int>(group.laps.size()));
  row.set_epoch_seconds(Median(group.laps));
  row.set_min_epoch_seconds(std::ranges::min(group.laps));
  row.set_max_epoch_seconds(std::ranges::max(group.laps));
  if (!group.fits.empty()) row.set_fit_seconds_per_epoch(Median(group.fits));
  if (!group.utilizations.empty()) row.set_utilization_percent(Median(group.utilizations));
  return row;
}

absl::Status AddMeasured(const Reader& reader, const std::string& preset, const json& core,
                         v1::GetTableResponse& table) {
  absl::StatusOr<std::vector<Reader::MeasuredRun>> runs = reader.MeasuredRuns();
  if (!runs.ok()) return runs.status();
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (const Reader::MeasuredRun& run : *runs) {
    std::optional<Variant> variant = ReadVariant(preset, run.workload_json);
    if (!variant || Core(variant->hashed) != core) continue;
    AddRun(groups[{run.run.device(), run.run.workload_hash()}], run, *variant);
  }
  for (auto& [key, group] : groups) {
    if (!group.laps.empty()) *table.add_rows() = Close(group);
  }
  return absl::OkStatus();
}

absl::Status AddImported(const Reader& reader, const std::string& hash,
                         v1::GetTableResponse& table) {
  absl::StatusOr<std::vector<storage::ImportedResult>> results = reader.ImportedResults();
  if (!results.ok()) return results.status();
  for (const storage::ImportedResult& stored : *results) {
    absl::StatusOr<ElsewhereResult> result = ParseResult(stored.json);
    if (!result.ok() || result->workload_hash != hash) continue;
    v1::TableRow& row = *table.add_rows();
    row.set_device(result->device_id());
    row.set_kind(result->kind);
    row.set_model(result->model);
    row.set_source(result->source);
    row.set_notes(result->notes);
    row.set_workload_hash(hash);
    row.set_runs(1);
    row.set_epoch_seconds(result->seconds_per_epoch);
    if (result->whole_fit) row.set_fit_seconds_per_epoch(result->seconds_per_epoch);
    if (result->knn_accuracy) row.set_knn_accuracy(*result->knn_accuracy);
    row.add_marks(stored.published ? "published" : "imported");
    if (result->derived) row.add_marks("derived");
    if (result->partial) row.add_marks("partial");
    if (result->synthetic) row.add_marks("synthetic");
  }
  return absl::OkStatus();
}

bool IsMeasured(const v1::TableRow& row) { return row.source() == "measured"; }

// Full work only: what was limited or made up claims no ratio.
bool MayClaimRatio(const v1::TableRow& row) {
  return std::ranges::none_of(row.marks(), [](const std::string& mark) {
    return mark == "partial" || mark == "synthetic" || mark == "estimated";
  });
}

// Published times are whole fits divided by their epochs: against them a measured row counts the
// same way.
double Comparable(const v1::TableRow& row, bool against_fit) {
  return against_fit && row.has_fit_seconds_per_epoch() ? row.fit_seconds_per_epoch()
                                                        : row.epoch_seconds();
}

absl::StatusOr<const v1::TableRow*> Baseline(const v1::GetTableResponse& table,
                                             const std::string& device) {
  const v1::TableRow* best = nullptr;
  bool named = false;
  for (const v1::TableRow& row : table.rows()) {
    named = named || row.device() == device;
    if (!MayClaimRatio(row) || (!device.empty() && row.device() != device)) continue;
    if (best == nullptr || row.epoch_seconds() < best->epoch_seconds()) best = &row;
  }
  if (best != nullptr || device.empty()) return best;
  return WithHint(
      absl::StatusCode::kNotFound,
      named ? "baseline '" + device + "' has no full result on real data, so it claims no ratio"
            : "baseline '" + device + "' is not in the table of " + table.workload(),
      "laptime table shows the devices");
}

void SetRatios(v1::GetTableResponse& table, const v1::TableRow& baseline) {
  const v1::TableRow base = baseline;
  for (v1::TableRow& row : *table.mutable_rows()) {
    if (!MayClaimRatio(row)) continue;
    const bool against_fit = !IsMeasured(row) || !IsMeasured(base);
    row.set_ratio(Comparable(row, against_fit) / Comparable(base, against_fit));
  }
}

}  // namespace

absl::StatusOr<v1::GetTableResponse> BuildTable(const Reader& reader,
                                                const v1::GetTableRequest& request) {
  v1::GetTableResponse table;
  table.set_workload(request.workload().empty() ? kDefaultWorkload : request.workload());
  std::string hashed_json;
  absl::StatusOr<v1::Workload> workload = ResolveForJob(table.workload(), {}, &hashed_json);
  if (!workload.ok()) return workload.status();
  LAPTIME_RETURN_IF_ERROR(
      AddMeasured(reader, table.workload(), Core(json::parse(hashed_json)), table));
  LAPTIME_RETURN_IF_ERROR(AddImported(reader, workload->hash(), table));
  std::ranges::stable_sort(*table.mutable_rows(), [](const v1::TableRow& a, const v1::TableRow& b) {
    return std::pair(!MayClaimRatio(a), a.epoch_seconds()) <
           std::pair(!MayClaimRatio(b), b.epoch_seconds());
  });
  absl::StatusOr<const v1::TableRow*> baseline = Baseline(table, request.baseline());
  if (!baseline.ok()) return baseline.status();
  if (*baseline != nullptr) {
    table.set_baseline((*baseline)->device());
    SetRatios(table, **baseline);
  }
  return table;
}

}  // namespace laptime
