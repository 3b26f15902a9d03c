#include "server/export_rows.h"

#include <utility>
#include <vector>

#include "proto/support/status.h"

namespace laptime {
namespace {

using storage::Reader;

// Runs of one look into the filter; they are small, what belongs to them is not.
constexpr int kRunsAtOnce = 200;

int RowsOf(const v1::ExportRowsResponse& rows) {
  return rows.runs_size() + rows.epochs_size() + rows.samples_size();
}

}  // namespace

RowExport::RowExport(v1::ExportKind kind, storage::RunFilter filter)
    : kind_(kind), filter_(std::move(filter)) {}

absl::Status RowExport::Next(const Reader& reader, v1::ExportRowsResponse& rows) {
  size_t bytes = 0;  // of runs, whose failures may be long
  bool fetched = false;
  while (!done_ && RowsOf(rows) < kExportRows && bytes < kExportBytes) {
    if (runs_.empty()) {
      if (fetched) break;  // many runs without rows are many transactions, too
      LAPTIME_RETURN_IF_ERROR(FetchRuns(reader));
      fetched = true;
      continue;
    }
    const int most = kExportRows - RowsOf(rows);
    if (kind_ == v1::EXPORT_KIND_RUNS) {
      bytes += runs_.front().run.ByteSizeLong();
      *rows.add_runs() = std::move(runs_.front().run);
      NextRun();
    } else if (kind_ == v1::EXPORT_KIND_EPOCHS) {
      LAPTIME_RETURN_IF_ERROR(TakeEpochs(reader, most, rows));
    } else {
      LAPTIME_RETURN_IF_ERROR(TakeSamples(reader, most, rows));
    }
  }
  return absl::OkStatus();
}

absl::Status RowExport::FetchRuns(const Reader& reader) {
  absl::StatusOr<std::vector<Reader::ExportRun>> runs =
      reader.RunsAfter(filter_, last_run_, kRunsAtOnce);
  if (!runs.ok()) return runs.status();
  done_ = runs->empty();
  for (Reader::ExportRun& run : *runs) {
    last_run_ = run.key;
    runs_.push_back(std::move(run));
  }
  return absl::OkStatus();
}

absl::Status RowExport::TakeEpochs(const Reader& reader, int most, v1::ExportRowsResponse& rows) {
  const Reader::ExportRun& of = runs_.front();
  absl::StatusOr<std::vector<v1::Epoch>> epochs =
      reader.EpochsAfter(of.attempt_key, last_epoch_, most);
  if (!epochs.ok()) return epochs.status();
  for (v1::Epoch& epoch : *epochs) {
    last_epoch_ = epoch.number();
    v1::EpochRow& row = *rows.add_epochs();
    row.set_run_id(of.run.id());
    row.set_device(of.run.device());
    row.set_workload(of.run.workload());
    *row.mutable_epoch() = std::move(epoch);
  }
  if (static_cast<int>(epochs->size()) < most) NextRun();
  return absl::OkStatus();
}

absl::Status RowExport::TakeSamples(const Reader& reader, int most, v1::ExportRowsResponse& rows) {
  const Reader::ExportRun& of = runs_.front();
  absl::StatusOr<std::vector<Reader::ExportSample>> samples =
      reader.SamplesAfter(of.attempt_key, last_sample_, most);
  if (!samples.ok()) return samples.status();
  for (Reader::ExportSample& sample : *samples) {
    last_sample_ = sample.place;
    v1::SampleRow& row = *rows.add_samples();
    row = std::move(sample.row);
    row.set_run_id(of.run.id());
    row.set_device(of.run.device());
  }
  if (static_cast<int>(samples->size()) < most) NextRun();
  return absl::OkStatus();
}

void RowExport::NextRun() {
  runs_.pop_front();
  last_epoch_ = 0;
  last_sample_ = {};
}

}  // namespace laptime
