#include "server/history/history_choice.h"

#include <algorithm>

#include "proto/support/nearest.h"
#include "proto/support/status.h"
#include "proto/support/workload_spec.h"
#include "server/selector.h"

namespace laptime {
namespace {

using storage::DeviceRow;
using storage::Reader;

v1::Device DeviceOf(const ElsewhereResult& result) {
  v1::Device device;
  device.set_id(result.device_id());
  device.set_host(result.host);
  device.set_name(result.device);
  device.set_kind(result.kind);
  return device;
}

absl::StatusOr<HistoryChoice> Everything(const Reader& reader) {
  HistoryChoice all;
  absl::StatusOr<std::vector<DeviceRow>> devices = reader.Devices();
  if (!devices.ok()) return devices.status();
  all.devices = *std::move(devices);
  absl::StatusOr<std::vector<storage::ImportedResult>> stored = reader.ImportedResults();
  if (!stored.ok()) return stored.status();
  for (const storage::ImportedResult& line : *stored) {
    absl::StatusOr<ElsewhereResult> result = ParseResult(line.json);
    // One that an earlier version understood is not worth the whole answer.
    if (result.ok()) all.imported.push_back({*std::move(result), line.imported_unix_ms});
  }
  return all;
}

absl::Status NoDevice(const std::string& selector, const HistoryChoice& all) {
  std::vector<std::string> names;
  for (const DeviceRow& row : all.devices) names.push_back(row.device.id());
  for (const ElsewhereAt& one : all.imported) names.push_back(one.result.device_id());
  const auto nearest = Nearest(selector, names);
  return WithHint(absl::StatusCode::kNotFound, "no device matches '" + selector + "'",
                  (nearest ? "did you mean '" + *nearest + "'? " : "") +
                      "laptime device list shows the devices");
}

absl::Status NoWorkload(const std::string& workload) {
  std::vector<std::string> names;
  for (const WorkloadPreset& preset : WorkloadPresets()) names.push_back(preset.name);
  const auto nearest = Nearest(workload, names);
  return WithHint(absl::StatusCode::kNotFound, "no workload '" + workload + "'",
                  (nearest ? "did you mean '" + *nearest + "'? " : "") +
                      "laptime workload list shows the names; the beginning of a hash will do");
}

absl::Status CheckEachMatches(const std::vector<Selector>& selectors, const HistoryChoice& all) {
  for (const Selector& selector : selectors) {
    const bool matches =
        std::ranges::any_of(all.devices,
                            [&](const DeviceRow& row) { return selector.Matches(row.device); }) ||
        std::ranges::any_of(all.imported, [&](const ElsewhereAt& one) {
          return selector.Matches(DeviceOf(one.result));
        });
    if (!matches) return NoDevice(selector.text(), all);
  }
  return absl::OkStatus();
}

absl::Status CheckWorkload(const Reader& reader, const std::string& workload,
                           const HistoryChoice& all) {
  if (workload.empty() || FindWorkloadPreset(workload) != nullptr) return absl::OkStatus();
  const absl::StatusOr<std::vector<Reader::WorkloadRow>> rows = reader.Workloads();
  if (!rows.ok()) return rows.status();
  storage::RunConditions of_it;
  of_it.AddWorkload(workload);
  const bool known =
      std::ranges::any_of(
          *rows,
          [&](const Reader::WorkloadRow& row) {
            return of_it.Matches({{{"workload", row.preset}, {"workload_hash", row.hash}}, {}});
          }) ||
      std::ranges::any_of(all.imported, [&](const ElsewhereAt& one) {
        return of_it.Matches(AsRunLike(one.result));
      });
  return known ? absl::OkStatus() : NoWorkload(workload);
}

}  // namespace

absl::StatusOr<HistoryChoice> ChooseHistory(const Reader& reader,
                                            const v1::GetHistoryRequest& request) {
  absl::StatusOr<std::vector<Selector>> selectors =
      ParseSelectors({request.devices().begin(), request.devices().end()});
  if (!selectors.ok()) return selectors.status();
  absl::StatusOr<HistoryChoice> all = Everything(reader);
  if (!all.ok()) return all.status();
  LAPTIME_RETURN_IF_ERROR(CheckEachMatches(*selectors, *all));
  LAPTIME_RETURN_IF_ERROR(CheckWorkload(reader, request.workload(), *all));
  const auto chosen = [&selectors](const v1::Device& device) {
    return selectors->empty() || std::ranges::any_of(*selectors, [&](const Selector& selector) {
             return selector.Matches(device);
           });
  };
  std::erase_if(all->devices, [&](const DeviceRow& row) { return !chosen(row.device); });
  std::erase_if(all->imported,
                [&](const ElsewhereAt& one) { return !chosen(DeviceOf(one.result)); });
  return all;
}

}  // namespace laptime
