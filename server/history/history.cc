#include "server/history/history.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "proto/support/status.h"
#include "server/history/change_points.h"
#include "server/history/history_choice.h"
#include "server/history/judgement.h"

namespace laptime {
namespace {

using storage::HistoryRun;
using storage::Reader;

// What may be said of runs beside their times.
struct Remarks {
  std::map<int64_t, std::vector<v1::Annotation>> annotations;  // by the run's key
  std::map<std::string, std::string> software;                 // by segment
};

absl::StatusOr<Remarks> RemarksOn(const Reader& reader, const std::vector<HistoryRun>& runs) {
  Remarks remarks;
  if (runs.empty()) return remarks;
  const auto [first, last] = std::ranges::minmax(runs, {}, &HistoryRun::key);
  auto annotations = reader.Annotations(first.key, last.key);
  if (!annotations.ok()) return annotations.status();
  remarks.annotations = *std::move(annotations);
  auto software = reader.Segments();
  if (!software.ok()) return software.status();
  remarks.software = *std::move(software);
  return remarks;
}

// Workload, device, segment.
using SeriesKey = std::tuple<std::string, int64_t, std::string>;

struct Group {
  std::vector<const HistoryRun*> runs;  // started last first
  int left_out = 0;
};

std::map<SeriesKey, Group> Grouped(const std::vector<HistoryRun>& newest_first) {
  std::map<SeriesKey, Group> groups;
  for (const HistoryRun& run : newest_first) {
    Group& group = groups[{run.workload_hash, run.device_key, run.segment}];
    if (group.runs.size() < kMostRunsFitted) {
      group.runs.push_back(&run);
    } else {
      ++group.left_out;
    }
  }
  // They may have been started in another order than created.
  for (auto& [key, group] : groups) {
    std::ranges::sort(group.runs, std::greater<>(),
                      [](const HistoryRun* run) { return std::pair(run->at_unix_ms, run->key); });
  }
  return groups;
}

void AddPoint(const HistoryRun& run, v1::HistorySeries& series) {
  v1::HistoryPoint& point = *series.add_points();
  point.set_run_id(run.id);
  point.set_at_unix_ms(run.at_unix_ms);
  point.set_seconds(run.seconds);
  point.set_validity(run.validity);
}

v1::HistorySeries SeriesOf(const Group& group, const std::string& device,
                           const std::map<std::string, std::string>& software) {
  v1::HistorySeries series;
  const HistoryRun& newest = *group.runs.front();
  series.set_device(device);
  series.set_workload(newest.workload);
  series.set_workload_hash(newest.workload_hash);
  series.set_segment(newest.segment);
  if (const auto found = software.find(newest.segment); found != software.end())
    series.set_software(found->second);
  series.set_source("measured");
  series.set_runs_left_out(group.left_out);
  std::for_each(group.runs.rbegin(), group.runs.rend(),
                [&](const HistoryRun* run) { AddPoint(*run, series); });
  JudgeSeries(series);
  return series;
}

// The newest runs' first, while they are not too many.
void Annotate(const Group& group, const Remarks& remarks, int& shown, v1::HistorySeries& series) {
  int point = series.points_size();
  for (const HistoryRun* run : group.runs) {
    --point;
    const auto found = remarks.annotations.find(run->key);
    if (found == remarks.annotations.end()) continue;
    for (const v1::Annotation& annotation : found->second) {
      if (shown++ >= kMostAnnotationsShown) return;
      *series.mutable_points(point)->add_annotations() = annotation;
    }
  }
}

void AddMeasured(const std::vector<HistoryRun>& newest_first, const HistoryChoice& choice,
                 const Remarks& remarks, v1::GetHistoryResponse& history) {
  std::map<int64_t, std::string> names;
  for (const storage::DeviceRow& row : choice.devices) names[row.key] = row.device.id();
  int annotations_shown = 0;
  for (const auto& [key, group] : Grouped(newest_first)) {
    v1::HistorySeries& series = *history.add_series();
    series = SeriesOf(group, names[std::get<1>(key)], remarks.software);
    Annotate(group, remarks, annotations_shown, series);
  }
  std::ranges::sort(*history.mutable_series(), {}, [](const v1::HistorySeries& series) {
    return std::tuple(series.workload(), series.workload_hash(), series.device(),
                      series.points(0).at_unix_ms());
  });
}

void AddImported(const std::vector<ElsewhereAt>& imported, v1::GetHistoryResponse& history) {
  for (const auto& [result, imported_unix_ms] : imported) {
    v1::HistorySeries& series = *history.add_series();
    series.set_device(result.device_id());
    series.set_workload(result.workload);
    series.set_workload_hash(result.workload_hash);
    series.set_source(result.source);
    v1::HistoryPoint& point = *series.add_points();
    point.set_at_unix_ms(imported_unix_ms);
    point.set_seconds(result.seconds_per_epoch);
    point.set_validity(v1::VALIDITY_NOT_EVALUATED);
  }
}

}  // namespace

absl::StatusOr<v1::GetHistoryResponse> BuildHistory(const Reader& reader,
                                                    const v1::GetHistoryRequest& request,
                                                    int64_t now_unix_ms) {
  absl::StatusOr<storage::RunConditions> where =
      storage::RunConditions::Parse(request.filter(), now_unix_ms);
  if (!where.ok()) return where.status();
  absl::StatusOr<HistoryChoice> choice = ChooseHistory(reader, request);
  if (!choice.ok()) return choice.status();
  std::erase_if(choice->imported,
                [&](const ElsewhereAt& one) { return !where->Matches(AsRunLike(one.result)); });
  v1::GetHistoryResponse history;
  storage::HistoryFilter filter{.device_keys = {},
                                .workload = request.workload(),
                                .since_unix_ms = request.since_unix_ms(),
                                .limit = kMostHistoryRuns + 1,
                                .where = *std::move(where)};
  if (!request.devices().empty()) {
    for (const storage::DeviceRow& row : choice->devices) filter.device_keys.push_back(row.key);
  }
  if (request.devices().empty() || !filter.device_keys.empty()) {
    absl::StatusOr<std::vector<HistoryRun>> runs = reader.HistoryRuns(filter);
    if (!runs.ok()) return runs.status();
    history.set_older_left_out(runs->size() > kMostHistoryRuns);
    if (history.older_left_out()) runs->pop_back();
    const absl::StatusOr<Remarks> remarks = RemarksOn(reader, *runs);
    if (!remarks.ok()) return remarks.status();
    AddMeasured(*runs, *choice, *remarks, history);
  }
  if (request.since_unix_ms() == 0) AddImported(choice->imported, history);
  return history;
}

}  // namespace laptime
