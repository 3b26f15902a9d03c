#pragma once

#include <cstdint>

namespace laptime::fuzz {

// Whether to look at all that an input may have changed, where looking costs far more than taking
// the input. Says yes a thousand times in a process, so for a corpus and for an input that is tried
// alone, and from then on each 16th time. Asked once an input. Not thread-safe.
inline bool Thorough() {
  constexpr uint64_t kAlways = 1000;
  constexpr uint64_t kEach = 16;
  static uint64_t asked = 0;
  ++asked;
  return asked <= kAlways || asked % kEach == 0;
}

}  // namespace laptime::fuzz
