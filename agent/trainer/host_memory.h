#pragma once

#include <optional>

namespace laptime::trainer {

// What the C library's allocator holds and does not use goes back to the system, as far as it can.
void GiveBackUnusedHostMemory();

// Bytes that this process can still be given: of the machine's memory, below its control group's
// limit and that of its address space. Nothing where the system does not say (macOS).
std::optional<double> FreeHostMemoryBytes();

}  // namespace laptime::trainer
