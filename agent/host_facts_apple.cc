#include <sys/sysctl.h>
#include <unistd.h>

#include <cstdint>
#include <optional>
#include <string>

#include "agent/host_facts.h"
#include "proto/support/channel.h"

namespace laptime::agent {
namespace {

std::string SysctlText(const char* name) {
  char text[256] = {};
  size_t size = sizeof text - 1;
  return sysctlbyname(name, text, &size, nullptr, 0) == 0 ? text : "";
}

template <typename Integer>
std::optional<Integer> SysctlInteger(const char* name) {
  Integer value = 0;
  size_t size = sizeof value;
  if (sysctlbyname(name, &value, &size, nullptr, 0) != 0 || size != sizeof value)
    return std::nullopt;
  return value;
}

}  // namespace

HostFacts ReadHostFacts(const std::filesystem::path&) {
  HostFacts facts;
  facts.host.set_os("macOS " + SysctlText("kern.osproductversion"));
  facts.host.set_kernel("Darwin " + SysctlText("kern.osrelease"));
  facts.host.set_cpu_model(SysctlText("machdep.cpu.brand_string"));
  facts.host.set_agent_version(kVersion);
  if (auto cores = SysctlInteger<int32_t>("hw.physicalcpu")) facts.host.set_physical_cores(*cores);
  if (auto cores = SysctlInteger<int32_t>("hw.logicalcpu")) facts.host.set_logical_cores(*cores);
  if (auto bytes = SysctlInteger<int64_t>("hw.memsize")) {
    facts.host.set_memory_bytes(static_cast<double>(*bytes));
  }
  return facts;
}

std::string ShortHostName() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  const std::string full = name;
  return full.substr(0, full.find('.'));
}

}  // namespace laptime::agent
