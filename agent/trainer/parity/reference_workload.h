#pragma once

#include <variant>

#include "agent/trainer/config.h"

namespace laptime::trainer {

// The preset that is compared: what it says of temperature, momentum, neighbours and so on.
inline Workload ReferenceWorkload() {
  return TypedWorkload(std::get<WorkloadSpec>(ResolveWorkload("simclr-cifar10", {})));
}

}  // namespace laptime::trainer
