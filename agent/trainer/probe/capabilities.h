#pragma once

#include <functional>

#include "agent/trainer/device.h"
#include "agent/trainer/probe/probe_result.h"

namespace laptime::trainer {

// Images of a step; where a CPU has no instructions for a precision a few, so that the probe ends.
inline constexpr int kCapabilityBatch = 16;
inline constexpr int kSlowCapabilityBatch = 2;

// Measures the capability matrix of `device` with steps of the reference workload, in as many
// threads as are set. What is compared has the same batch. `time_left` is asked before each cell;
// once it says no, the rest is not measured. `on_cell` is told each cell as it comes.
void MeasureCapabilities(const Device& device, const std::function<bool()>& time_left,
                         const std::function<void(const Capability&)>& on_cell);

}  // namespace laptime::trainer
