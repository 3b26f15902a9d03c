#include "server/table/measured_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "server/run_statistics.h"
#include "server/table/work_variant.h"
#include "server/validity/validity.h"

namespace laptime {
namespace {

using storage::Reader;
using v1::Run;
using v1::TableRow;

// The runs of one row.
struct Group {
  WorkVariant variant;
  std::vector<Reader::MeasuredRun> runs;
};

// Sets a field of the row to the median over the runs that have it.
void SetMedian(const std::vector<Reader::MeasuredRun>& runs, bool (Run::*has)() const,
               double (Run::*get)() const, TableRow& row, void (TableRow::*set)(double)) {
  std::vector<double> values;
  for (const Reader::MeasuredRun& measured : runs) {
    if ((measured.run.*has)()) values.push_back((measured.run.*get)());
  }
  if (!values.empty()) (row.*set)(Median(values));
}

void SetFigures(const Group& group, TableRow& row) {
  const auto median = [&](bool (Run::*has)() const, double (Run::*get)() const,
                          void (TableRow::*set)(double)) {
    SetMedian(group.runs, has, get, row, set);
  };
  if (!group.variant.partial) {  // what a part of an epoch took is not what one takes
    median(&Run::has_fit_seconds_per_epoch, &Run::fit_seconds_per_epoch,
           &TableRow::set_fit_seconds_per_epoch);
    median(&Run::has_joules_per_epoch, &Run::joules_per_epoch, &TableRow::set_joules_per_epoch);
    median(&Run::has_images_per_joule, &Run::images_per_joule, &TableRow::set_images_per_joule);
  }
  median(&Run::has_utilization_percent, &Run::utilization_percent,
         &TableRow::set_utilization_percent);
  median(&Run::has_above_90_fraction, &Run::above_90_fraction, &TableRow::set_above_90_fraction);
  median(&Run::has_mfu_fraction, &Run::mfu_fraction, &TableRow::set_mfu_fraction);
  for (const Reader::MeasuredRun& measured : group.runs) {
    if (measured.run.has_knn_accuracy())
      row.set_knn_accuracy(std::max(row.knn_accuracy(), measured.run.knn_accuracy()));
  }
}

void SetTimes(const std::vector<double>& laps, TableRow& row) {
  row.set_epoch_seconds(Median(laps));
  row.set_min_epoch_seconds(std::ranges::min(laps));
  row.set_max_epoch_seconds(std::ranges::max(laps));
  const auto summary = SummarizeRuns(laps);
  if (!summary.ok()) return;
  if (const auto half_width = RelativeHalfWidth(*summary)) {
    const double mean = std::exp(summary->mean_log);
    row.set_low_seconds(mean / (1 + *half_width));
    row.set_high_seconds(mean * (1 + *half_width));
  }
}

// Why the row's time may not be published; "" when it may.
std::string Objection(const Group& group) {
  for (const auto& [is, word] : {std::pair(group.variant.partial, "partial"),
                                 std::pair(group.variant.synthetic, "synthetic")}) {
    if (is) return word;
  }
  for (const Reader::MeasuredRun& measured : group.runs) {
    const Run& run = measured.run;
    if (run.validity() != v1::VALIDITY_CLEAN)
      return "run " + run.id() + " is " + NameOf(run.validity()) +
             (run.validity_reasons().empty() ? "" : ": " + run.validity_reasons(0));
    const double timed = run.epochs_done() * run.median_epoch_seconds();
    if (run.epochs_done() < kPublishableLaps && timed < kPublishableSeconds)
      return "run " + run.id() + " has " + std::to_string(run.epochs_done()) + " of " +
             std::to_string(kPublishableLaps) + " laps";
  }
  const auto runs = static_cast<int>(group.runs.size());
  if (runs < kPublishableRuns)
    return std::to_string(runs) + " of " + std::to_string(kPublishableRuns) + " runs";
  return "";
}

// Leaves the runs that count, or else the contaminated ones; tells how many it dropped.
int DropWhatDoesNotCount(std::vector<Reader::MeasuredRun>& runs) {
  const auto least = std::ranges::any_of(
      runs, [](const Reader::MeasuredRun& measured) { return Counts(measured.run.validity()); });
  const auto dropped = std::erase_if(runs, [&](const Reader::MeasuredRun& measured) {
    return least ? !Counts(measured.run.validity())
                 : measured.run.validity() == v1::VALIDITY_INVALID;
  });
  return static_cast<int>(dropped);
}

MeasuredRow Close(Group group) {
  MeasuredRow closed;
  TableRow& row = closed.row;
  const Run& first = group.runs.front().run;
  row.set_device(first.device());
  row.set_kind(first.kind());
  row.set_model(first.device_model());
  row.set_source("measured");
  row.set_workload_hash(first.workload_hash());
  row.set_variant(group.variant.Name());
  row.set_runs_left_out(DropWhatDoesNotCount(group.runs));
  row.set_runs(static_cast<int>(group.runs.size()));
  if (group.variant.partial) {
    row.add_marks("estimated");
    row.add_marks("partial");
  }
  if (group.variant.synthetic) row.add_marks("synthetic");
  if (group.runs.empty()) {
    row.add_marks("invalid");
    return closed;
  }
  if (!Counts(group.runs.front().run.validity())) row.add_marks("contaminated");
  std::vector<double> laps;
  for (const Reader::MeasuredRun& run : group.runs) laps.push_back(*group.variant.LapOf(run));
  SetTimes(laps, row);
  SetFigures(group, row);
  row.set_not_publishable(Objection(group));
  row.set_publishable(row.not_publishable().empty());
  closed.gate_passed = std::ranges::all_of(group.runs, [](const Reader::MeasuredRun& measured) {
    return measured.run.learning_gate() == "passed";
  });
  return closed;
}

}  // namespace

absl::StatusOr<std::vector<MeasuredRow>> MeasuredRows(const Reader& reader,
                                                      const std::string& preset,
                                                      const nlohmann::json& core, bool best) {
  absl::StatusOr<std::vector<Reader::WorkloadRow>> workloads = reader.Workloads();
  if (!workloads.ok()) return workloads.status();
  std::map<std::string, WorkVariant> variants;  // of that core, by hash
  storage::RunFilter filter;
  for (const Reader::WorkloadRow& workload : *workloads) {
    std::optional<WorkVariant> variant = ReadVariant(preset, workload.hashed_json);
    if (!variant || CoreOf(variant->hashed, best) != core) continue;
    variants[workload.hash] = *std::move(variant);
    filter.workload_hashes.push_back(workload.hash);
  }
  if (variants.empty()) return std::vector<MeasuredRow>();  // an empty filter would mean all
  absl::StatusOr<std::vector<Reader::MeasuredRun>> runs = reader.MeasuredRuns(filter);
  if (!runs.ok()) return runs.status();
  std::map<std::pair<std::string, std::string>, Group> groups;
  for (Reader::MeasuredRun& run : *runs) {
    const WorkVariant& variant = variants.at(run.run.workload_hash());
    if (!variant.LapOf(run)) continue;
    Group& group = groups[{run.run.device(), run.run.workload_hash()}];
    if (group.runs.empty()) group.variant = variant;
    group.runs.push_back(std::move(run));
  }
  std::vector<MeasuredRow> rows;
  for (auto& [key, group] : groups) rows.push_back(Close(std::move(group)));
  return rows;
}

}  // namespace laptime
