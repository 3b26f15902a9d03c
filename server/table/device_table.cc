#include "server/table/device_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "proto/support/status.h"
#include "server/import_results.h"
#include "server/job_desk.h"
#include "server/table/measured_rows.h"
#include "server/table/work_variant.h"
#include "server/workload_info.h"

namespace laptime {
namespace {

using nlohmann::json;
using storage::Reader;

// Whole work on real data that counts: what was limited, made up or disturbed claims no ratio.
bool MayClaimRatio(const v1::TableRow& row) {
  constexpr std::array<const char*, 5> kObjections{"partial", "synthetic", "estimated",
                                                   "contaminated", "invalid"};
  return std::ranges::none_of(row.marks(), [&](const std::string& mark) {
    return std::ranges::find(kObjections, mark) != kObjections.end();
  });
}

// Whether `a` stands before `b`: rows that claim a ratio, then the others with a time, by time.
bool GoesBefore(const v1::TableRow& a, const v1::TableRow& b) {
  const auto rank = [](const v1::TableRow& row) {
    return std::tuple(!MayClaimRatio(row), !row.has_epoch_seconds(), row.epoch_seconds());
  };
  return rank(a) < rank(b);
}

// Adds what was measured. A best table has one row a device: the fastest of those whose learning
// was checked, whole work before limited.
absl::Status AddMeasured(const Reader& reader, const std::string& preset, const json& core,
                         bool best, v1::GetTableResponse& table) {
  absl::StatusOr<std::vector<MeasuredRow>> rows = MeasuredRows(reader, preset, core, best);
  if (!rows.ok()) return rows.status();
  std::map<std::string, v1::TableRow> fastest;
  for (const MeasuredRow& measured : *rows) {
    if (!best) {
      *table.add_rows() = measured.row;
      continue;
    }
    if (!measured.gate_passed) continue;
    const auto [known, added] = fastest.emplace(measured.row.device(), measured.row);
    if (!added && GoesBefore(measured.row, known->second)) known->second = measured.row;
  }
  for (const auto& [device, row] : fastest) *table.add_rows() = row;
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
  LAPTIME_RETURN_IF_ERROR(AddMeasured(reader, table.workload(),
                                      CoreOf(json::parse(hashed_json), request.best()),
                                      request.best(), table));
  LAPTIME_RETURN_IF_ERROR(AddImported(reader, workload->hash(), table));
  std::ranges::stable_sort(*table.mutable_rows(), GoesBefore);
  absl::StatusOr<const v1::TableRow*> baseline = Baseline(table, request.baseline());
  if (!baseline.ok()) return baseline.status();
  if (*baseline != nullptr) {
    table.set_baseline((*baseline)->device());
    SetRatios(table, **baseline);
  }
  return table;
}

}  // namespace laptime
