#pragma once

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/layout.h"

namespace laptime::trainer {

// The layout in which `device`, a CPU, trains config's workload: what config says, else what was
// found before on this processor with this LibTorch, else the fastest now, which takes a few steps
// of a smaller batch on a model of its own and leaves nothing behind but the number of threads.
LayoutChoice FindLayout(const TrainConfig& config, const Device& device);

}  // namespace laptime::trainer
