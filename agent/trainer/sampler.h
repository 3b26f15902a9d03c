#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace laptime::trainer {

// The order in which an epoch visits the images 0 … images-1: a permutation that depends on seed
// and epoch alone.
std::vector<int32_t> ShuffledIndices(int images, uint64_t seed, int epoch);

}  // namespace laptime::trainer
