#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/reader.h"

namespace laptime {

// Choosing among the known devices, by what people write. Pure functions; `devices` with their
// states of now.

// As the wire carries them: "studio/mps", "kind=cuda", … (see selector.h).
using SelectorTexts = google::protobuf::RepeatedPtrField<std::string>;

// The devices that a job is for, each once, in the order of the list. A pattern means those that
// take work now, a full name also one that is away or drained. Without selectors the only device
// that takes work. With `devices_per_run` > 1 each is the first of a group (see device_group.h):
// a pattern means as many groups as there are side by side, passing over every other device that it
// matches; without selectors the only group. kInvalidArgument: a selector is not understood, or the
// choice is not clear; kFailedPrecondition "no device matches …".
absl::StatusOr<std::vector<storage::DeviceRow>> ChooseForJob(
    const SelectorTexts& selectors, int devices_per_run,
    const std::vector<storage::DeviceRow>& devices);

// The devices that a list is of: whatever state they are in; all without selectors. Codes as above.
absl::StatusOr<std::vector<storage::DeviceRow>> ChooseForList(
    const SelectorTexts& selectors, const std::vector<storage::DeviceRow>& devices);

// The one device of that full name; kNotFound with the nearest.
absl::StatusOr<storage::DeviceRow> FindDevice(const std::vector<storage::DeviceRow>& devices,
                                              const std::string& id);

}  // namespace laptime
