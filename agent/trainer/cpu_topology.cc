#include "agent/trainer/cpu_topology.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#ifdef __linux__
#include <sched.h>
#endif
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;

std::optional<int> ReadInteger(const fs::path& file) {
  std::ifstream stream(file);
  int value = 0;
  if (!(stream >> value)) return std::nullopt;
  return value;
}

// Whole and partial CPUs that cgroup v2 or v1 grants; nothing when there is no limit.
std::optional<double> QuotaCpus(const fs::path& root) {
  std::ifstream v2(root / "sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    if (quota == "max" || period <= 0) return std::nullopt;
    return std::strtod(quota.c_str(), nullptr) / period;
  }
  const auto quota_us = ReadInteger(root / "sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto period_us = ReadInteger(root / "sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (!quota_us || !period_us || *quota_us <= 0 || *period_us <= 0) return std::nullopt;
  return static_cast<double>(*quota_us) / *period_us;
}

int WithinQuota(int cpus, const fs::path& root) {
  const auto quota = QuotaCpus(root);
  return quota ? std::min(cpus, static_cast<int>(std::ceil(*quota))) : cpus;
}

#ifdef __linux__
std::vector<int> AllowedCpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}
#endif

}  // namespace

int PhysicalCores(const fs::path& root, const std::vector<int>& cpus) {
  std::set<std::pair<int, int>> cores;
  int unknown = 0;
  for (int cpu : cpus) {
    const fs::path topology =
        root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
    const auto package = ReadInteger(topology / "physical_package_id");
    const auto core = ReadInteger(topology / "core_id");
    if (package && core) {
      cores.emplace(*package, *core);
    } else {
      ++unknown;
    }
  }
  return std::max(WithinQuota(static_cast<int>(cores.size()) + unknown, root), 1);
}

int UsableCores() {
#if defined(__linux__)
  if (const std::vector<int> cpus = AllowedCpus(); !cpus.empty()) return PhysicalCores("/", cpus);
#elif defined(__APPLE__)
  int cores = 0;
  size_t size = sizeof(cores);
  for (const char* name : {"hw.perflevel0.physicalcpu", "hw.physicalcpu"}) {
    if (sysctlbyname(name, &cores, &size, nullptr, 0) == 0 && cores > 0) return cores;
  }
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int UsableThreads() {
  int cpus = static_cast<int>(std::thread::hardware_concurrency());
#ifdef __linux__
  // That one does not know the affinity with every C library.
  if (const std::vector<int> allowed = AllowedCpus(); !allowed.empty())
    cpus = static_cast<int>(allowed.size());
#endif
  return std::max(WithinQuota(cpus, "/"), UsableCores());
}

std::string CpuModel() {
#if defined(__linux__)
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
#elif defined(__APPLE__)
  char name[128] = "";
  size_t size = sizeof(name) - 1;
  if (sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) == 0) return name;
#endif
  return "unknown";
}

}  // namespace laptime::trainer
