#pragma once

#include "agent/trainer/command_line.h"
#include "agent/trainer/event_writer.h"

namespace laptime::trainer {

// The commands that tests/parity compares with the reference: each reads a file of tensors, does
// with it, on the CPU and with the very code of a training, what its options' comment says, and
// writes a file or lines. All throw TrainerError (setup) when a file is not as it must be, and what
// LibTorch throws. Implemented in one file each.

void Answer(const ReplayOptions& options, EventWriter& lines);
void Answer(const AugmentOptions& options, EventWriter& lines);
void Answer(const FeaturesOptions& options, EventWriter& lines);
void Answer(const VoteOptions& options, EventWriter& lines);
void Answer(const DrawsOptions& options, EventWriter& lines);
void Answer(const InitOptions& options, EventWriter& lines);

}  // namespace laptime::trainer
