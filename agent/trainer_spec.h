#pragma once

#include <filesystem>
#include <string>

#include "agent/child_process.h"
#include "laptime/v1/common.pb.h"

namespace laptime::agent {

// The trainer beside this program, unless LAPTIME_TRAINER names another.
std::filesystem::path FindTrainer();

// How `program`, a trainer, is started for `command` (trainer/contract.h) on the device: with its
// threads, with GPUs counted as NVML counts them, and so that it dies with this process. More
// arguments may be appended.
ChildSpec TrainerSpec(const std::filesystem::path& program, const std::string& command,
                      const v1::Device& device);

}  // namespace laptime::agent
