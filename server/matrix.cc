#include "server/matrix.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "server/device_choice.h"
#include "server/job_desk.h"
#include "server/run_state.h"
#include "server/run_statistics.h"
#include "server/validity/validity.h"
#include "server/workload_info.h"

namespace laptime {
namespace {

using storage::DeviceRow;
using MatrixRun = storage::Reader::MatrixRun;

// So many of the newest runs say that something is wrong.
constexpr int kNewestThatTell = 2;
constexpr int64_t kMillis = 1000;

struct Wanted {
  int runs = kDefaultRunsWanted;
  int64_t fresh_ms = kDefaultFreshSeconds * kMillis;
};

absl::StatusOr<Wanted> WantedBy(const v1::GetMatrixRequest& request) {
  Wanted wanted;
  if (request.runs_wanted() != 0) wanted.runs = request.runs_wanted();
  if (wanted.runs < 1 || wanted.runs > kMaxRepeats) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "runs: " + std::to_string(wanted.runs) + " is not allowed",
                    "--runs takes 1 to " + std::to_string(kMaxRepeats));
  }
  const int64_t seconds =
      request.fresh_seconds() == 0 ? kDefaultFreshSeconds : request.fresh_seconds();
  if (seconds < 1 || seconds > kMostFreshSeconds) {
    return WithHint(absl::StatusCode::kInvalidArgument,
                    "fresh: " + std::to_string(seconds) + " s is not allowed",
                    "--fresh takes days, up to 36500");
  }
  wanted.fresh_ms = seconds * kMillis;
  return wanted;
}

struct Column {
  std::string workload;
  std::string hash;
};

absl::StatusOr<Column> ColumnOf(const std::string& preset, const v1::GetMatrixRequest& request) {
  std::string hashed_json;
  absl::StatusOr<v1::Workload> workload =
      ResolveForJob(preset, {request.settings().begin(), request.settings().end()}, &hashed_json);
  if (!workload.ok()) return workload.status();
  return Column{preset, workload->hash()};
}

// Those asked for, or the default one and all that have runs. Presets that differ in the number of
// epochs alone are the same work, of which the first stands for all.
absl::StatusOr<std::vector<Column>> ColumnsOf(const storage::Reader& reader,
                                              const v1::GetMatrixRequest& request) {
  std::vector<Column> columns;
  std::set<std::string> taken;
  for (const std::string& name : request.workloads()) {
    absl::StatusOr<Column> column = ColumnOf(name, request);
    if (!column.ok()) return column.status();
    if (taken.insert(column->hash).second) columns.push_back(*std::move(column));
  }
  if (!columns.empty()) return columns;
  absl::StatusOr<std::vector<storage::Reader::WorkloadRow>> with_runs = reader.Workloads();
  if (!with_runs.ok()) return with_runs.status();
  for (const WorkloadPreset& preset : WorkloadPresets()) {
    absl::StatusOr<Column> column = ColumnOf(preset.name, request);
    const bool is_default = preset.name == kDefaultWorkload;
    if (!column.ok() && is_default) return column.status();
    if (!column.ok()) continue;  // the settings are not for this one
    const bool wanted =
        is_default || std::ranges::find(*with_runs, column->hash,
                                        &storage::Reader::WorkloadRow::hash) != with_runs->end();
    if (wanted && taken.insert(column->hash).second) columns.push_back(*std::move(column));
  }
  return columns;
}

absl::StatusOr<std::vector<DeviceRow>> RowsOf(const v1::GetMatrixRequest& request,
                                              const std::vector<DeviceRow>& devices) {
  if (!request.devices().empty()) return ChooseForList(request.devices(), devices);
  std::vector<DeviceRow> offered;
  std::ranges::copy_if(devices, std::back_inserter(offered), &DeviceRow::offered);
  return offered;
}

bool IsCounted(const MatrixRun& run) {
  return run.state == v1::RUN_STATE_SUCCEEDED && run.seconds && Counts(run.validity);
}

bool IsBad(const MatrixRun& run) {
  return run.state == v1::RUN_STATE_FAILED || run.validity == v1::VALIDITY_INVALID;
}

// The runs of one cell, newest first.
struct CellRuns {
  std::vector<const MatrixRun*> ended;  // succeeded or failed
  int coming = 0;
};

std::string Counted(size_t count, const std::string& what) {
  return count == 0 ? "" : (std::to_string(count) + " " + what);
}

void Append(std::string& text, const std::string& more) {
  if (!more.empty()) text += (text.empty() ? "" : ", ") + more;
}

// Why runs that there are do not count.
std::string LeftOut(const CellRuns& runs) {
  size_t contaminated = 0;
  size_t bad = 0;
  for (const MatrixRun* run : runs.ended) {
    contaminated += run->validity == v1::VALIDITY_CONTAMINATED ? 1 : 0;
    bad += IsBad(*run) ? 1 : 0;
  }
  std::string text = Counted(contaminated, "contaminated");
  Append(text, Counted(bad, "failed or invalid"));
  return text;
}

bool IsInvalid(const CellRuns& runs) {
  const auto end =
      runs.ended.begin() + std::min<std::ptrdiff_t>(kNewestThatTell, std::ssize(runs.ended));
  return !runs.ended.empty() &&
         std::all_of(runs.ended.begin(), end, [](const MatrixRun* run) { return IsBad(*run); });
}

std::string Trouble(const MatrixRun& run) {
  const std::string what =
      run.state == v1::RUN_STATE_FAILED ? "the newest run failed" : "the newest run is invalid";
  return what + (run.trouble.empty() ? "" : ": " + run.trouble);
}

// "30 days", "12 hours": in the largest unit that says it exactly.
std::string Span(int64_t seconds) {
  constexpr std::array<std::pair<int64_t, const char*>, 4> kUnits{
      {{24 * 3600, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}}};
  const auto unit =
      std::ranges::find_if(kUnits, [&](const auto& one) { return seconds % one.first == 0; });
  const int64_t count = seconds / unit->first;
  return std::to_string(count) + " " + unit->second + (count == 1 ? "" : "s");
}

// Fills in what the runs say. `missing` is what a cell of the present LibTorch lacks.
void Judge(const CellRuns& runs, const Wanted& wanted, int64_t now, v1::MatrixCell& cell) {
  std::vector<double> seconds;
  for (const MatrixRun* run : runs.ended) {
    if (!IsCounted(*run)) continue;
    seconds.push_back(*run->seconds);
    if (run->ended_unix_ms)
      cell.set_newest_unix_ms(std::max(cell.newest_unix_ms(), *run->ended_unix_ms));
  }
  const int count = static_cast<int>(seconds.size());
  cell.set_runs(count);
  cell.set_runs_coming(runs.coming);
  if (count > 0) cell.set_median_epoch_seconds(Median(seconds));

  int lacking = wanted.runs;  // where what there is says too little, all of it anew
  if (IsInvalid(runs)) {
    cell.set_state("invalid");
    cell.set_reason(Trouble(*runs.ended.front()));
  } else if (count < wanted.runs) {
    cell.set_state("missing");
    std::string reason =
        std::to_string(count) + " of " + std::to_string(wanted.runs) + " runs that count";
    Append(reason, LeftOut(runs));
    cell.set_reason(reason);
    lacking -= count;
  } else if (now - cell.newest_unix_ms() > wanted.fresh_ms) {
    cell.set_state("stale");
    cell.set_reason("the newest run that counts is older than " + Span(wanted.fresh_ms / kMillis));
  } else {
    cell.set_state("fresh");
    lacking = 0;
  }
  if (cell.present()) cell.set_runs_missing(std::max(0, lacking - runs.coming));
}

// The cells of one device and workload: LibTorch → its runs.
using Cells = std::map<std::string, CellRuns>;

void Sort(const MatrixRun& run, const std::string& present, Cells& cells) {
  if (!IsEnd(run.state)) {
    ++cells[present].coming;
  } else if (run.state == v1::RUN_STATE_SUCCEEDED || run.state == v1::RUN_STATE_FAILED) {
    cells[run.libtorch.empty() ? present : run.libtorch].ended.push_back(&run);
  }
}

}  // namespace

absl::StatusOr<v1::GetMatrixResponse> BuildMatrix(const storage::Reader& reader,
                                                  const v1::GetMatrixRequest& request,
                                                  const std::vector<DeviceRow>& devices,
                                                  int64_t now_unix_ms) {
  absl::StatusOr<Wanted> wanted = WantedBy(request);
  if (!wanted.ok()) return wanted.status();
  absl::StatusOr<std::vector<Column>> columns = ColumnsOf(reader, request);
  if (!columns.ok()) return columns.status();
  absl::StatusOr<std::vector<DeviceRow>> rows = RowsOf(request, devices);
  if (!rows.ok()) return rows.status();

  std::vector<std::string> hashes;
  for (const Column& column : *columns) hashes.push_back(column.hash);
  absl::StatusOr<std::vector<MatrixRun>> runs = reader.MatrixRuns(hashes);
  if (!runs.ok()) return runs.status();
  std::map<int64_t, std::string> present;
  for (const DeviceRow& row : *rows) {
    absl::StatusOr<std::string> version = reader.PresentLibTorch(row.key);
    if (!version.ok()) return version.status();
    present[row.key] = *std::move(version);
  }
  std::map<std::pair<std::string, int64_t>, Cells> sorted;  // by workload's hash and device
  for (const MatrixRun& run : *runs) {
    const auto device = present.find(run.device_key);
    if (device == present.end()) continue;
    Sort(run, device->second, sorted[{run.workload_hash, run.device_key}]);
  }

  v1::GetMatrixResponse matrix;
  for (const Column& column : *columns) {
    for (const DeviceRow& row : *rows) {
      const auto found = sorted.find({column.hash, row.key});
      Cells cells = found == sorted.end() ? Cells() : found->second;
      const std::string& now_there = present[row.key];
      const auto add = [&](const std::string& libtorch, const CellRuns& its_runs) {
        v1::MatrixCell& cell = *matrix.add_cells();
        cell.set_device(row.device.id());
        cell.set_workload(column.workload);
        cell.set_workload_hash(column.hash);
        cell.set_libtorch(libtorch);
        cell.set_present(libtorch == now_there);
        Judge(its_runs, *wanted, now_unix_ms, cell);
      };
      add(now_there, cells[now_there]);
      for (auto cell = cells.rbegin(); cell != cells.rend(); ++cell) {
        if (cell->first != now_there) add(cell->first, cell->second);
      }
    }
  }
  return matrix;
}

}  // namespace laptime
