#pragma once

#include <memory>
#include <vector>

#include "agent/device_discovery.h"
#include "agent/host_facts.h"
#include "agent/telemetry/nvml.h"
#include "agent/telemetry/run_processes.h"
#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// Everything that can be measured while `run` trains on `device`. `nvml` may be nullptr; else it
// must outlive the result, and so must `run`.
std::vector<std::unique_ptr<Telemetry>> OpenTelemetry(const OfferedDevice& device,
                                                      const HostFacts& facts, const Nvml* nvml,
                                                      RunProcesses& run);

}  // namespace laptime::agent
