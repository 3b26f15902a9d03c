#include "agent/telemetry/sleep_clock.h"

#include <time.h>

namespace laptime::agent {
namespace {

#ifdef __APPLE__
constexpr clockid_t kThroughSleep = CLOCK_MONOTONIC_RAW;
constexpr clockid_t kAwake = CLOCK_UPTIME_RAW;
#else
constexpr clockid_t kThroughSleep = CLOCK_BOOTTIME;
constexpr clockid_t kAwake = CLOCK_MONOTONIC;
#endif
// Between the two looks at the clock: more, and this thread was interrupted.
constexpr double kTight = 1e-3;
constexpr int kTries = 5;

double Now(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace

double SleptSeconds() {
  double before = 0, through = 0, after = 0;
  for (int i = 0; i < kTries && (i == 0 || after - before > kTight); ++i) {
    before = Now(kAwake);
    through = Now(kThroughSleep);
    after = Now(kAwake);
  }
  return through - (before + after) / 2;
}

}  // namespace laptime::agent
