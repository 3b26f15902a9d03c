#include "server/noise_floor.h"

#include <optional>

#include "server/run_statistics.h"
#include "server/validity/validity.h"

namespace laptime {
namespace {

using storage::Reader;

absl::StatusOr<std::optional<DeviceNoise>> NoiseOf(const Reader& reader, int64_t device_key) {
  storage::RunFilter filter;
  filter.device_keys = {device_key};
  filter.workload = kCalibrationWorkload;
  filter.state = v1::RUN_STATE_SUCCEEDED;
  const auto listed = reader.ListRuns(filter, {kMostCalibrationRuns, ""});
  if (!listed.ok()) return listed.status();
  std::vector<double> seconds;
  for (const v1::Run& run : listed->runs()) {
    const v1::Run& newest = listed->runs(0);
    const bool alike =
        run.segment() == newest.segment() && run.workload_hash() == newest.workload_hash();
    if (alike && Counts(run.validity()) && run.has_estimate())
      seconds.push_back(run.estimate().epoch_seconds());
  }
  const auto group = SummarizeRuns(seconds);
  if (!group.ok()) return std::nullopt;  // none
  const std::optional<double> floor = NoiseFloor(*group);
  if (!floor) return std::nullopt;
  return DeviceNoise{*floor, group->runs};
}

}  // namespace

absl::StatusOr<std::map<std::string, DeviceNoise>> NoiseFloors(
    const Reader& reader, const std::vector<storage::DeviceRow>& devices) {
  std::map<std::string, DeviceNoise> floors;
  for (const storage::DeviceRow& row : devices) {
    const auto noise = NoiseOf(reader, row.key);
    if (!noise.ok()) return noise.status();
    if (noise->has_value()) floors[row.device.id()] = **noise;
  }
  return floors;
}

}  // namespace laptime
