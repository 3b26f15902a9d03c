#include "tests/bench/fma_peak.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

namespace laptime {
namespace {

constexpr int kBf16Sums = 16;
constexpr int64_t kPairs = 32;  // of bfloat16 in a vector

// Enough independent sums that none waits for its own last addition: four or five cycles, twice or
// four times a cycle.
template <typename Vector, int sums>
struct Chains {
  static constexpr int64_t kFlopsARound = 2 * sums * static_cast<int64_t>(sizeof(Vector) / 4);

  [[gnu::always_inline]] static inline float Run(int64_t rounds) {
    const Vector factor = Vector{} + 0.5F;
    Vector values[sums];
    // All different: of equal sums the compiler would compute one.
    for (int i = 0; i < sums; ++i) values[i] = Vector{} + static_cast<float>(i);
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

[[gnu::target("avx512f,avx512bf16")]] float RunBf16(int64_t rounds) {
  const __m512bh ones = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1), _mm512_set1_ps(1));
  __m512 values[kBf16Sums];
  for (int i = 0; i < kBf16Sums; ++i) values[i] = _mm512_set1_ps(static_cast<float>(i));
  for (int64_t round = 0; round < rounds; ++round) {
    for (__m512& value : values) value = _mm512_dpbf16_ps(value, ones, ones);
  }
  __m512 total = _mm512_setzero_ps();
  for (const __m512& value : values) total = _mm512_add_ps(total, value);
  return _mm512_cvtss_f32(total);
}

#endif

}  // namespace

bool CanDotBf16() {
#ifdef __x86_64__
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

float DotBf16(int64_t rounds) {
#ifdef __x86_64__
  return RunBf16(rounds);
#else
  return static_cast<float>(rounds);
#endif
}

int64_t Bf16FlopsARound() { return 2 * kBf16Sums * kPairs; }

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
