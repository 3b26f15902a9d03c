#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "storage/reader.h"

namespace laptime {

// Which devices a run with devices_per_run=N reserves. Pure functions; `devices` are all known
// ones.
//
// The device that the run names is the first of N of its kind on its host, whose addresses have the
// numbers that follow: "cuda:1", "cuda:2", as the trainer counts. All names of an address belong to
// it. A cpu is alone whatever N is: the ranks share its threads.

// devices_per_run of a configuration as StartRun carries it; 1 when it does not say.
int DevicesPerRun(const std::string& config_json);

// The largest devices_per_run that a workload may ask for.
int MaxDevicesPerRun();

// The largest devices_per_run whose addresses from `first` on all have a `usable` device, at most
// MaxDevicesPerRun(); 0 when `first` is not usable.
int LargestRun(const storage::DeviceRow& first, const std::vector<storage::DeviceRow>& devices,
               const std::function<bool(const storage::DeviceRow&)>& usable);

// The keys of the devices that a run of so many on `first` reserves, its own in front, offered or
// not. Where there are too few, those that there are.
std::vector<int64_t> GroupFrom(const storage::DeviceRow& first, int devices_per_run,
                               const std::vector<storage::DeviceRow>& devices);

// Of `candidates` those that runs of so many devices can be on side by side: as many as can be the
// first of a group whose devices are all `usable` and (of several) in no other group nor
// `reserved`, lowest numbers first. Returns their keys; `reserved` gains those of the groups.
std::set<int64_t> FirstsOfGroups(std::vector<storage::DeviceRow> candidates, int devices_per_run,
                                 const std::vector<storage::DeviceRow>& devices,
                                 const std::function<bool(const storage::DeviceRow&)>& usable,
                                 std::set<int64_t>& reserved);

// As GroupFrom for a stored run: what it keeps busy while it is assigned or running.
std::vector<int64_t> ReservedBy(const storage::RunRow& run,
                                const std::vector<storage::DeviceRow>& devices);

}  // namespace laptime
