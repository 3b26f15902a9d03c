#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>

#include "agent/host_facts.h"
#include "agent/log_tail.h"
#include "agent/telemetry/proc_files.h"
#include "proto/support/channel.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

std::string OsName(const fs::path& root) {
  for (const char* file : {"etc/os-release", "usr/lib/os-release"}) {
    const auto fields = ParseFields(ReadText(root / file), '=');
    if (const auto name = fields.find("PRETTY_NAME"); name != fields.end()) {
      std::string text = name->second;
      std::erase(text, '"');
      return text;
    }
  }
  return "Linux";
}

std::string CpuModel(const fs::path& root) {
  const auto fields = ParseFields(ReadText(root / "proc/cpuinfo"), ':');
  for (const char* key : {"model name", "Model", "cpu model"}) {
    if (const auto model = fields.find(key); model != fields.end()) return model->second;
  }
  utsname machine = {};
  return uname(&machine) == 0 ? machine.machine : "";
}

// The directories of this process's cgroup, innermost first, for version 2 (`controller` empty)
// or 1.
std::vector<fs::path> CgroupDirs(const fs::path& root, const std::string& controller) {
  std::istringstream lines(ReadText(root / "proc/self/cgroup"));
  std::string inner;
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",," ? controller.empty()
                            : controllers.find("," + controller + ",") != std::string::npos) {
      inner = line.substr(second + 1);
    }
  }
  const fs::path top = root / "sys/fs/cgroup" / controller;
  std::vector<fs::path> dirs;
  for (fs::path at = fs::path(inner).relative_path(); !at.empty(); at = at.parent_path())
    dirs.push_back(top / at);
  dirs.push_back(top);
  return dirs;
}

// CPUs' worth of time: the smallest quota on the way up; 0 = none.
double CpuQuota(const fs::path& root) {
  double quota = 0;
  const auto tighten = [&quota](const std::string& time, const std::string& period) {
    const double cpus = std::atof(time.c_str()) / std::max(1.0, std::atof(period.c_str()));
    if (cpus > 0 && (quota == 0 || cpus < quota)) quota = cpus;
  };
  for (const fs::path& dir : CgroupDirs(root, "")) {
    std::string time, period;
    std::istringstream(ReadText(dir / "cpu.max")) >> time >> period;
    if (!period.empty() && time != "max") tighten(time, period);
  }
  for (const fs::path& dir : CgroupDirs(root, "cpu")) {
    tighten(ReadText(dir / "cpu.cfs_quota_us"), ReadText(dir / "cpu.cfs_period_us"));
  }
  return quota;
}

std::optional<double> Memory(const fs::path& root) {
  auto bytes = MemInfoBytes(ParseFields(ReadText(root / "proc/meminfo"), ':'), "MemTotal");
  const auto tighten = [&bytes](const std::string& text) {
    const double limit = std::atof(text.c_str());
    if (bytes && limit > 0 && limit < *bytes) bytes = limit;
  };
  for (const fs::path& dir : CgroupDirs(root, "")) tighten(ReadText(dir / "memory.max"));
  for (const fs::path& dir : CgroupDirs(root, "memory"))
    tighten(ReadText(dir / "memory.limit_in_bytes"));
  return bytes;
}

// Physical cores among `cpus`: hardware threads of one core name the same siblings.
std::optional<int> PhysicalCores(const fs::path& root, const std::vector<int>& cpus) {
  std::set<std::string> cores;
  for (const int cpu : cpus) {
    const fs::path topology =
        root / "sys/devices/system/cpu" / ("cpu" + std::to_string(cpu)) / "topology";
    const std::string siblings = ReadText(topology / "thread_siblings_list");
    if (siblings.empty()) return std::nullopt;
    cores.insert(siblings);
  }
  if (cores.empty()) return std::nullopt;
  return static_cast<int>(cores.size());
}

}  // namespace

HostFacts ReadHostFacts(const fs::path& root) {
  HostFacts facts;
  facts.host.set_os(AsUtf8(OsName(root)));
  facts.host.set_kernel(AsUtf8(ReadText(root / "proc/sys/kernel/osrelease")));
  facts.host.set_cpu_model(AsUtf8(CpuModel(root)));
  facts.host.set_agent_version(kVersion);
  facts.allowed_cpus =
      ParseCpuList(ParseFields(ReadText(root / "proc/self/status"), ':')["Cpus_allowed_list"]);
  facts.cpu_quota = CpuQuota(root);
  const int quota = facts.cpu_quota > 0 ? static_cast<int>(std::ceil(facts.cpu_quota)) : 1 << 30;
  if (!facts.allowed_cpus.empty()) {
    facts.host.set_logical_cores(std::min(quota, static_cast<int>(facts.allowed_cpus.size())));
  }
  if (auto cores = PhysicalCores(root, facts.allowed_cpus)) {
    facts.host.set_physical_cores(std::min(quota, *cores));
  }
  if (auto bytes = Memory(root)) facts.host.set_memory_bytes(*bytes);
  return facts;
}

std::string ShortHostName() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  const std::string full = name;
  return full.substr(0, full.find('.'));
}

}  // namespace laptime::agent
