#include "agent/telemetry/moment.h"

#include <algorithm>

namespace laptime::agent {
namespace {

template <typename State>
void TakeWorse(const std::optional<State>& earlier, std::optional<State>& later) {
  if (earlier) later = later ? std::max(*earlier, *later) : *earlier;
}

}  // namespace

Moment Merged(const Moment& earlier, const Moment& later) {
  Moment merged = later;
  TakeWorse(earlier.foreign_gpu, merged.foreign_gpu);
  TakeWorse(earlier.thermal, merged.thermal);
  TakeWorse(earlier.on_battery, merged.on_battery);
  TakeWorse(earlier.low_power_mode, merged.low_power_mode);
  TakeWorse(earlier.driver_changed, merged.driver_changed);
  if (earlier.throttled) merged.throttled = *earlier.throttled | merged.throttled.value_or(0);
  return merged;
}

}  // namespace laptime::agent
