#pragma once

#include <cstdint>

namespace laptime {

// Multiply-adds in float32 as fast as one core makes them, in registers, with the widest vectors it
// has: what a convolution can reach at most. Returns what came out of it, so that it is not
// optimised away.
float MultiplyAdd(int64_t rounds);

// FLOP in each of those rounds.
int64_t FlopsARound();

// The same for products of bfloat16 added up in float32. Only where there are AVX512_BF16's
// instructions: CanDotBf16.
bool CanDotBf16();
float DotBf16(int64_t rounds);
int64_t Bf16FlopsARound();

}  // namespace laptime
