#include "server/device_group.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "proto/support/workload_spec.h"

namespace laptime {
namespace {

using storage::DeviceRow;

constexpr char kKey[] = "devices_per_run";

// 10 of "cuda:10", 0 of what has no number.
int NumberOf(const DeviceRow& row) {
  const std::string& address = row.device.address();
  const size_t begin = address.find(':') + 1;  // 0 where there is none
  int number = 0;
  std::from_chars(address.data() + begin, address.data() + address.size(), number);
  return number;
}

bool OfOneKindOnOneHost(const DeviceRow& a, const DeviceRow& b) {
  return a.host_id == b.host_id && a.device.kind() == b.device.kind();
}

bool IsAlone(const DeviceRow& row) { return row.device.kind() == v1::DEVICE_KIND_CPU; }

}  // namespace

int DevicesPerRun(const std::string& config_json) {
  const nlohmann::json config =
      nlohmann::json::parse(config_json, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return 1;
  const auto found = config.find(kKey);
  return found != config.end() && found->is_number() ? std::max(1, found->get<int>()) : 1;
}

int MaxDevicesPerRun() { return static_cast<int>(FindWorkloadKey(kKey)->max); }

int LargestRun(const DeviceRow& first, const std::vector<DeviceRow>& devices,
               const std::function<bool(const DeviceRow&)>& usable) {
  if (!usable(first)) return 0;
  if (IsAlone(first)) return MaxDevicesPerRun();
  std::set<int> numbers;
  for (const DeviceRow& row : devices) {
    if (OfOneKindOnOneHost(first, row) && usable(row)) numbers.insert(NumberOf(row));
  }
  int count = 1;
  while (count < MaxDevicesPerRun() && numbers.contains(NumberOf(first) + count)) ++count;
  return count;
}

std::vector<int64_t> GroupFrom(const DeviceRow& first, int devices_per_run,
                               const std::vector<DeviceRow>& devices) {
  std::vector<int64_t> keys = {first.key};
  if (IsAlone(first)) return keys;
  for (const DeviceRow& row : devices) {
    const int after = NumberOf(row) - NumberOf(first);
    if (OfOneKindOnOneHost(first, row) && row.key != first.key && after >= 0 &&
        after < devices_per_run) {
      keys.push_back(row.key);
    }
  }
  return keys;
}

std::set<int64_t> FirstsOfGroups(std::vector<DeviceRow> candidates, int devices_per_run,
                                 const std::vector<DeviceRow>& devices,
                                 const std::function<bool(const DeviceRow&)>& usable,
                                 std::set<int64_t>& reserved) {
  std::ranges::stable_sort(candidates, {}, NumberOf);
  std::set<int64_t> firsts;
  for (const DeviceRow& row : candidates) {
    if (LargestRun(row, devices, usable) < devices_per_run) continue;
    const std::vector<int64_t> group = GroupFrom(row, devices_per_run, devices);
    const bool apart =
        std::ranges::none_of(group, [&](int64_t key) { return reserved.contains(key); });
    if (devices_per_run > 1 && !apart) continue;
    firsts.insert(row.key);
    reserved.insert(group.begin(), group.end());
  }
  return firsts;
}

std::vector<int64_t> ReservedBy(const storage::RunRow& run, const std::vector<DeviceRow>& devices) {
  const auto first = std::ranges::find(devices, run.device_key, &DeviceRow::key);
  if (first == devices.end()) return {run.device_key};
  return GroupFrom(*first, DevicesPerRun(run.config_json), devices);
}

}  // namespace laptime
