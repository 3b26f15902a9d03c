#pragma once

#include <cstdint>
#include <initializer_list>

namespace laptime::trainer {

// What a random stream is for: the first word of its key, so that no two uses share numbers.
enum class RandomUse : uint64_t {
  kShuffle = 1,
  kView = 2,
  kInitialization = 3,
  kSyntheticTrain = 4,
  kSyntheticEval = 5,
  kSyntheticClass = 6,
  kSyntheticLabel = 7,
  kDropout = 8
};

// A random stream named by a key (use, seed, epoch, image, view, …): the same key gives the same
// numbers on every machine, in any thread, in any order. SplitMix64 behind a mixed key. A value;
// not thread-safe.
class RandomStream {
 public:
  RandomStream(RandomUse use, std::initializer_list<uint64_t> key)
      : state_(static_cast<uint64_t>(use)) {
    for (uint64_t word : key) state_ = Mix(state_ + kStep) ^ Mix(word + kStep);
  }

  uint64_t Next() {
    state_ += kStep;
    return Mix(state_);
  }

  // In [0, 1), 53 bits.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }

  // In 0 … bound-1; the bias is below 2^-32.
  int Below(int bound) {
    return static_cast<int>(((Next() >> 32) * static_cast<uint64_t>(bound)) >> 32);
  }

 private:
  static constexpr uint64_t kStep = 0x9E3779B97F4A7C15;

  static uint64_t Mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  uint64_t state_;
};

}  // namespace laptime::trainer
