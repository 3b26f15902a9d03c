#pragma once

#include <map>
#include <string>

#include "agent/trainer/command_line.h"

namespace laptime::trainer {

// `laptime-trainer train`: the whole of one attempt at a training, told as events on standard
// output and in words on standard error. `process_flags` are what main has set up. Returns the exit
// code; a signal that is not obeyed in time, or a rank that is lost, ends the process from another
// thread. Once a process, in the main thread.
int RunTrainCommand(const TrainOptions& options,
                    const std::map<std::string, std::string>& process_flags);

}  // namespace laptime::trainer
