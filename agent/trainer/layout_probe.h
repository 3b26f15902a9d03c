#pragma once

#include <optional>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/layout.h"

namespace laptime::trainer {

// The layout in which `device`, a CPU, trains config's workload: what config says, else `resumed`,
// that of the training that goes on, else what was found before on this processor with this
// LibTorch, else the fastest now, which takes a few steps of a smaller batch on a model and random
// numbers of their own. Sets the number of threads meanwhile, and leaves some number behind.
LayoutChoice FindLayout(const TrainConfig& config, const Device& device,
                        const std::optional<Layout>& resumed);

}  // namespace laptime::trainer
