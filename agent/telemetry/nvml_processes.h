#pragma once

#include <optional>

#include "agent/telemetry/nvml_device.h"
#include "agent/telemetry/run_processes.h"

namespace laptime::agent {

// Whether a process that is not of `run` computes on the device; where that is split into
// instances, on the run's own. Absent when the driver does not tell, or does not list the run
// itself: then it has not come to the device yet, or the driver counts processes in another
// namespace than ours, as in most containers.
std::optional<bool> ForeignProcessOn(const NvmlDevice& device, const RunProcesses& run);

}  // namespace laptime::agent
