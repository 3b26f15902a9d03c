#include "server/history/history.h"

#include <algorithm>
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

// Workload, device, segment.
using SeriesKey = std::tuple<std::string, int64_t, std::string>;

struct Group {
  std::vector<const HistoryRun*> runs;  // oldest first
  int left_out = 0;
};

using Groups = std::map<SeriesKey, Group>;

absl::StatusOr<Remarks> RemarksOn(const Reader& reader, const Groups& groups) {
  std::vector<int64_t> runs;
  for (const auto& [key, group] : groups) {
    for (const HistoryRun* run : group.runs) runs.push_back(run->key);
  }
  auto annotations = reader.Annotations(runs, kMostAnnotationsShown);
  if (!annotations.ok()) return annotations.status();
  auto software = reader.Segments();
  if (!software.ok()) return software.status();
  return Remarks{*std::move(annotations), *std::move(software)};
}

Groups Grouped(const std::vector<HistoryRun>& newest_first) {
  Groups groups;
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
    std::ranges::sort(group.runs, {},
                      [](const HistoryRun* run) { return std::pair(run->at_unix_ms, run->key); });
  }
  return groups;
}

void AddPoint(const HistoryRun& run, const Remarks& remarks, v1::HistorySeries& series) {
  v1::HistoryPoint& point = *series.add_points();
  point.set_run_id(run.id);
  point.set_at_unix_ms(run.at_unix_ms);
  point.set_seconds(run.seconds);
  point.set_validity(run.validity);
  const auto said = remarks.annotations.find(run.key);
  if (said == remarks.annotations.end()) return;
  point.mutable_annotations()->Add(said->second.begin(), said->second.end());
}

v1::HistorySeries SeriesOf(const Group& group, const std::string& device, const Remarks& remarks) {
  v1::HistorySeries series;
  const HistoryRun& newest = *group.runs.back();
  series.set_device(device);
  series.set_workload(newest.workload);
  series.set_workload_hash(newest.workload_hash);
  series.set_segment(newest.segment);
  if (const auto found = remarks.software.find(newest.segment); found != remarks.software.end())
    series.set_software(found->second);
  series.set_source("measured");
  series.set_runs_left_out(group.left_out);
  for (const HistoryRun* run : group.runs) AddPoint(*run, remarks, series);
  if (!series.segment().empty()) JudgeSeries(series);
  return series;
}

absl::Status AddMeasured(const Reader& reader, const std::vector<HistoryRun>& newest_first,
                         const HistoryChoice& choice, v1::GetHistoryResponse& history) {
  const Groups groups = Grouped(newest_first);
  const absl::StatusOr<Remarks> remarks = RemarksOn(reader, groups);
  if (!remarks.ok()) return remarks.status();
  std::map<int64_t, std::string> names;
  for (const storage::DeviceRow& row : choice.devices) names[row.key] = row.device.id();
  for (const auto& [key, group] : groups)
    *history.add_series() = SeriesOf(group, names[std::get<1>(key)], *remarks);
  std::ranges::sort(*history.mutable_series(), {}, [](const v1::HistorySeries& series) {
    return std::tuple(series.workload(), series.workload_hash(), series.device(),
                      series.points(0).at_unix_ms());
  });
  return absl::OkStatus();
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
  if (!request.workload().empty()) where->AddWorkload(request.workload());
  if (request.since_unix_ms() > 0) where->AddSince(request.since_unix_ms());
  absl::StatusOr<HistoryChoice> choice = ChooseHistory(reader, request);
  if (!choice.ok()) return choice.status();
  std::erase_if(choice->imported,
                [&](const ElsewhereAt& one) { return !where->Matches(AsRunLike(one.result)); });
  v1::GetHistoryResponse history;
  storage::RunFilter filter;
  filter.where = *std::move(where);
  if (!request.devices().empty()) {
    for (const storage::DeviceRow& row : choice->devices) filter.device_keys.push_back(row.key);
  }
  if (request.devices().empty() || !filter.device_keys.empty()) {
    absl::StatusOr<std::vector<HistoryRun>> runs = reader.HistoryRuns(filter, kMostHistoryRuns + 1);
    if (!runs.ok()) return runs.status();
    history.set_older_left_out(runs->size() > kMostHistoryRuns);
    if (history.older_left_out()) runs->pop_back();
    LAPTIME_RETURN_IF_ERROR(AddMeasured(reader, *runs, *choice, history));
  }
  AddImported(choice->imported, history);
  return history;
}

}  // namespace laptime
