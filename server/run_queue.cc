#include "server/run_queue.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "server/device_group.h"

namespace laptime {
namespace {

using storage::DeviceRow;

bool TakesRuns(const DeviceRow& device) { return device.offered && !device.drained; }

// The run at the head of a device's queue.
struct WaitingRun {
  storage::QueuedRun queued;
  std::vector<int64_t> devices;  // the keys of those that it needs
};

// The first in the device's queue whose devices all take runs.
absl::StatusOr<std::optional<WaitingRun>> HeadOfQueue(const storage::Reader& reader,
                                                      const DeviceRow& device,
                                                      const std::vector<DeviceRow>& devices) {
  const int most_devices = LargestRun(device, devices, TakesRuns);
  if (most_devices == 0) return std::nullopt;
  absl::StatusOr<std::optional<storage::QueuedRun>> next =
      reader.NextQueuedRun(device.key, most_devices);
  if (!next.ok()) return next.status();
  if (!next->has_value()) return std::nullopt;
  absl::StatusOr<storage::RunRow> run = reader.FindRun((*next)->id);
  if (!run.ok()) return run.status();
  return WaitingRun{**next, ReservedBy(*run, devices)};
}

// The highest in rank first; of equals the one whose device is listed first.
absl::StatusOr<std::vector<WaitingRun>> WaitingRuns(const storage::Reader& reader,
                                                    const std::string& host_id,
                                                    const std::vector<DeviceRow>& devices) {
  std::vector<WaitingRun> waiting;
  for (const DeviceRow& device : devices) {
    if (device.host_id != host_id) continue;
    absl::StatusOr<std::optional<WaitingRun>> head = HeadOfQueue(reader, device, devices);
    if (!head.ok()) return head.status();
    if (head->has_value()) waiting.push_back(**std::move(head));
  }
  std::ranges::stable_sort(waiting, {}, [](const WaitingRun& run) {
    return std::tuple(-static_cast<int64_t>(run.queued.priority), run.queued.job_key,
                      run.queued.position);
  });
  return waiting;
}

// The keys of the devices that those attempts keep busy.
absl::StatusOr<std::set<int64_t>> BusyDevices(const storage::Reader& reader,
                                              const std::vector<storage::AttemptRow>& open,
                                              const std::vector<DeviceRow>& devices) {
  std::set<int64_t> busy;
  for (const storage::AttemptRow& attempt : open) {
    absl::StatusOr<storage::RunRow> run = reader.FindRun(attempt.ref.run_id());
    if (!run.ok()) return run.status();
    const std::vector<int64_t> reserved = ReservedBy(*run, devices);
    busy.insert(reserved.begin(), reserved.end());
  }
  return busy;
}

}  // namespace

absl::StatusOr<std::optional<std::string>> NextRun(const storage::Reader& reader,
                                                   const std::string& host_id,
                                                   const std::vector<DeviceRow>& devices,
                                                   const std::vector<storage::AttemptRow>& open) {
  absl::StatusOr<std::vector<WaitingRun>> waiting = WaitingRuns(reader, host_id, devices);
  if (!waiting.ok()) return waiting.status();
  absl::StatusOr<std::set<int64_t>> taken = BusyDevices(reader, open, devices);
  if (!taken.ok()) return taken.status();
  for (const WaitingRun& run : *waiting) {
    const bool free =
        std::ranges::none_of(run.devices, [&](int64_t device) { return taken->contains(device); });
    if (free) return run.queued.id;
    taken->insert(run.devices.begin(), run.devices.end());
  }
  return std::nullopt;
}

}  // namespace laptime
