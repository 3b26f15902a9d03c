#pragma once

#include "agent/trainer/config.h"
#include "agent/trainer/cuda/cuda_module.h"
#include "agent/trainer/device.h"

namespace laptime::trainer {

// Seconds of the fastest of `steps` training steps of `workload` on `device`, in as many threads as
// are set, on a model and random numbers of its own: the first one chooses kernels, and others
// disturb. With `graphs`, of a step that is recorded as a CUDA graph after as many by themselves.
// Throws what LibTorch throws.
double FastestStep(const Workload& workload, const Device& device, int steps,
                   const CudaModule* graphs = nullptr);

}  // namespace laptime::trainer
