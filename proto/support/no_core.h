#pragma once

#include <sys/resource.h>

#include <algorithm>

namespace laptime {

// This process leaves no core when it crashes: there would be keys and tokens in it. First thing in
// main. Children inherit the limit; it is the soft one, so that whoever looks for a trainer's fault
// can raise it again (prlimit --core).
inline void LeaveNoCore() {
  // Not 0: Linux starts the handler that a core_pattern names whatever the limit is, but at 1. A
  // file is not written at 1 either.
  constexpr rlim_t kNone = 1;
  rlimit limit{};
  if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = std::min(limit.rlim_max, kNone);
  setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace laptime
