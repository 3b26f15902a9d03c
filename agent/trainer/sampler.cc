#include "agent/trainer/sampler.h"

#include <numeric>
#include <utility>

#include "agent/trainer/random_stream.h"

namespace laptime::trainer {

std::vector<int32_t> ShuffledIndices(int images, uint64_t seed, int epoch) {
  std::vector<int32_t> order(static_cast<size_t>(images));
  std::iota(order.begin(), order.end(), 0);
  RandomStream random(RandomUse::kShuffle, {seed, static_cast<uint64_t>(epoch)});
  for (int left = images; left > 1; --left) {
    std::swap(order[static_cast<size_t>(left - 1)], order[static_cast<size_t>(random.Below(left))]);
  }
  return order;
}

}  // namespace laptime::trainer
