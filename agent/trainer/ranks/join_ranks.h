#pragma once

#include <memory>

#include "agent/trainer/command_line.h"
#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/ranks/rank_group.h"
#include "agent/trainer/ranks/rank_processes.h"

namespace laptime::trainer {

// The ranks that train config's workload together, this process among them; nullptr with one.
// Rank 0 starts the others into `others`, with its own options, threads and layout of `device`.
// Blocks until all are there. Throws TrainerError: setup where this device or this build trains
// alone, infrastructure when a rank cannot be started.
std::unique_ptr<RankGroup> JoinRanks(const TrainOptions& options, const TrainConfig& config,
                                     const Device& device, RankProcesses& others);

}  // namespace laptime::trainer
