#pragma once

#include <memory>

#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// The energy and the clocks of Apple silicon, from libIOReport: private to Apple, without a header
// or a promise, and readable without privileges. nullptr, with a line in the log, where it is not
// as this reader expects. The device is the GPU or else the CPU; its energy is observed.
std::unique_ptr<Telemetry> OpenIoReport(v1::DeviceKind device);

}  // namespace laptime::agent
