#pragma once

#include <optional>

namespace laptime::trainer {

// Bytes that this process can still be given, of the machine's memory and below the limit of its
// address space, after its allocator has given back what it can. Nothing where the system does not
// say (macOS).
std::optional<double> FreeHostMemoryBytes();

}  // namespace laptime::trainer
