#pragma once

#include "absl/status/status.h"
#include "agent/options.h"

namespace laptime::agent {

// `laptime-agent probe`: has the trainer measure what this machine's devices can do, one after the
// other, while no run trains here; leaves the results for the agent of the same state directory,
// which sends them to its coordinator. Progress on standard error. kFailedPrecondition: a run is
// under way here; kNotFound: no such device, or no trainer.
absl::Status RunProbe(const ProbeOptions& options);

}  // namespace laptime::agent
