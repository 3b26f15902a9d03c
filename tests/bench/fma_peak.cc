#include "tests/bench/fma_peak.h"

namespace laptime {
namespace {

// Enough independent sums that none waits for its own last addition: four or five cycles, twice or
// four times a cycle.
template <typename Vector, int sums>
struct Chains {
  static constexpr int64_t kFlopsARound = 2 * sums * static_cast<int64_t>(sizeof(Vector) / 4);

  [[gnu::always_inline]] static inline float Run(int64_t rounds) {
    const Vector factor = Vector{} + 0.5F;
    Vector values[sums] = {};
    for (int64_t round = 0; round < rounds; ++round) {
      for (Vector& value : values) value = value * factor + factor;
    }
    Vector total = {};
    for (const Vector& value : values) total += value;
    return total[0];
  }
};

using Narrow [[gnu::vector_size(16)]] = float;
using Baseline = Chains<Narrow, 16>;

#ifdef __x86_64__

using Middle [[gnu::vector_size(32)]] = float;
using Wide [[gnu::vector_size(64)]] = float;
using Fma = Chains<Middle, 12>;  // of sixteen registers
using Avx512 = Chains<Wide, 16>;

[[gnu::target("fma")]] float RunFma(int64_t rounds) { return Fma::Run(rounds); }
[[gnu::target("avx512f")]] float RunAvx512(int64_t rounds) { return Avx512::Run(rounds); }

#endif

}  // namespace

int64_t FlopsARound() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return Avx512::kFlopsARound;
  if (__builtin_cpu_supports("fma")) return Fma::kFlopsARound;
#endif
  return Baseline::kFlopsARound;
}

float MultiplyAdd(int64_t rounds) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f")) return RunAvx512(rounds);
  if (__builtin_cpu_supports("fma")) return RunFma(rounds);
#endif
  return Baseline::Run(rounds);
}

}  // namespace laptime
