#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/reader.h"

namespace laptime {

// The run that should start next on the host, which has the attempts `open` under way; nothing when
// there is none, or none can start now. `devices` are all known ones.
//
// It is the highest in rank, that is priority, then the older job, then the position in the job, of
// the runs at the head of a device's queue whose devices are all free: so the devices of a machine
// take the turns that the job planned. One that has to wait keeps its devices from all that
// are lower: those who need one device would otherwise take turns, and several never be free
// together. A run that needs a drained device holds up nothing.
absl::StatusOr<std::optional<std::string>> NextRun(const storage::Reader& reader,
                                                   const std::string& host_id,
                                                   const std::vector<storage::DeviceRow>& devices,
                                                   const std::vector<storage::AttemptRow>& open);

}  // namespace laptime
