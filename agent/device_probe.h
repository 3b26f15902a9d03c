#pragma once

#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "agent/device_discovery.h"
#include "agent/host_facts.h"
#include "agent/telemetry/nvml.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/clock.h"

namespace laptime::agent {

// What probes are made with; all of it outlives them.
struct ProbeContext {
  std::filesystem::path trainer;  // the program
  const HostFacts& host;
  const Nvml* nvml;  // may be nullptr
  const Clock& clock;
};

// Measures what one device can do, which takes about a minute of the whole machine: the caller
// holds the machine lock, and the calling thread lives until it returns. The trainer's words go on
// to standard error. kCancelled once `wake_fd` is readable (-1: never).
absl::StatusOr<v1::DeviceProbe> ProbeDevice(const ProbeContext& context,
                                            const OfferedDevice& offered, int wake_fd = -1);

// What a probe's result depends on, as one line: operating system, kernel, driver, device, threads,
// and the trainer's file, which changes with its LibTorch. Another line, another probe.
std::string ProbeBasis(const ProbeContext& context, const OfferedDevice& offered);

}  // namespace laptime::agent
