#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace laptime::trainer {

// Physical cores among the logical CPUs `cpus`, counted by /sys under `root`; each CPU counts as a
// core where the topology is not told. At most what the control group's CPU quota allows, at
// least 1.
int PhysicalCores(const std::filesystem::path& root, const std::vector<int>& cpus);

// The cores this process may use: affinity and quota on Linux, performance cores on macOS.
int UsableCores();

// The threads that can run at once on all that this process may use: also the second thread of a
// core, and efficiency cores. At least UsableCores().
int UsableThreads();

// "AMD EPYC 7763 64-Core Processor", "Apple M1 Pro"; "unknown" where the system does not say.
std::string CpuModel();

}  // namespace laptime::trainer
