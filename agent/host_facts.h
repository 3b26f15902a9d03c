#pragma once

#include <filesystem>
#include <vector>

#include "laptime/v1/common.pb.h"

namespace laptime::agent {

// What this machine is, and how much of it this process may use.
struct HostFacts {
  v1::Host host;  // without id and name; cores and memory honour affinity and cgroup limits
  std::vector<int>
      allowed_cpus;      // CPU numbers this process may run on; empty where the system does not say
  double cpu_quota = 0;  // CPUs' worth of time a cgroup allows; 0 = no limit
};

// Reads the facts; what cannot be read stays absent. `root` is "/" but in tests (Linux only).
HostFacts ReadHostFacts(const std::filesystem::path& root);

// This machine's name up to the first dot.
std::string ShortHostName();

}  // namespace laptime::agent
