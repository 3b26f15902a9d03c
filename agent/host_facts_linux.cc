#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <sstream>

#include "agent/host_facts.h"
#include "agent/log_tail.h"
#include "agent/telemetry/cgroup.h"
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

std::optional<double> Memory(const fs::path& root) {
  auto bytes = MemInfoBytes(ParseFields(ReadText(root / "proc/meminfo"), ':'), "MemTotal");
  const double limit = ReadMemoryLimit(root).bytes;
  if (bytes && limit > 0 && limit < *bytes) bytes = limit;
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
  facts.cpu_quota = ReadCpuQuota(root).cpus;
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
