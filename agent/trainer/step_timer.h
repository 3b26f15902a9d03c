#pragma once

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"

namespace laptime::trainer {

// Seconds of the fastest of `steps` training steps of `workload` on `device`, in as many threads as
// are set, on a model and random numbers of its own: the first one chooses kernels, and others
// disturb. Throws what LibTorch throws.
double FastestStep(const Workload& workload, const Device& device, int steps);

}  // namespace laptime::trainer
