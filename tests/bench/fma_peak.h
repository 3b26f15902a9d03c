#pragma once

#include <cstdint>

namespace laptime {

// Multiply-adds in float32 as fast as one core makes them, in registers, with the widest vectors it
// has: what a convolution can reach at most. Returns what came out of it, so that it is not
// optimised away.
float MultiplyAdd(int64_t rounds);

// FLOP in each of those rounds.
int64_t FlopsARound();

}  // namespace laptime
