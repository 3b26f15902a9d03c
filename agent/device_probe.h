#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "absl/status/statusor.h"
#include "agent/device_discovery.h"
#include "agent/host_facts.h"
#include "agent/silence.h"
#include "agent/telemetry/nvml.h"
#include "agent/telemetry_sources.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/clock.h"

namespace laptime::agent {

// Of the CPU's or the device's time that others may take while it is probed: where the coordinator
// calls a lap suspect.
inline constexpr double kMostForeign = 0.05;

// What probes are made with; all of it outlives them.
struct ProbeContext {
  std::filesystem::path trainer;  // the program
  const HostFacts& host;
  const Nvml* nvml;  // may be nullptr
  const Clock& clock;
  std::chrono::milliseconds stall_timeout = kStallTimeout;
  // What sees who else uses the machine meanwhile; tests give their own.
  decltype(&OpenTelemetry) telemetry = OpenTelemetry;
};

struct MeasuredProbe {
  v1::DeviceProbe probe;
  // Who took more than kMostForeign of the CPU or the device meanwhile: "other programs took 12 %
  // of the CPU time". Empty: nobody, as far as this machine tells.
  std::string disturbed_by;
};

// Measures what one device can do, which takes about a minute of the whole machine: the caller
// holds the machine lock, and the calling thread lives until it returns. The trainer's words go on
// to standard error. kCancelled once `wake_fd` is readable (-1: never); kDeadlineExceeded: the
// trainer was silent for stall_timeout and is killed. One that a driver keeps from dying holds the
// call up all the same.
absl::StatusOr<MeasuredProbe> ProbeDevice(const ProbeContext& context, const OfferedDevice& offered,
                                          int wake_fd = -1);

// What a probe's result depends on, as one line: operating system, kernel, driver, device, threads,
// the power that the GPU and the machine may draw, and the trainer's file. Another line, another
// probe. A LibTorch that is replaced beneath the trainer is not noticed.
std::string ProbeBasis(const ProbeContext& context, const OfferedDevice& offered);

}  // namespace laptime::agent
