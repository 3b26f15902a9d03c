#pragma once

#include <chrono>

#include "agent/trainer/command_line.h"

namespace laptime::trainer {

// The longest that a probe begins new measurements.
inline constexpr std::chrono::seconds kProbeTime{60};

// `laptime-trainer probe`: measures what a device can do, tells it as the event `probe_result`, or
// `failed`, on standard output, and each figure in words on standard error. Returns the exit code.
// Once a process.
int RunProbeCommand(const ProbeOptions& options);

}  // namespace laptime::trainer
