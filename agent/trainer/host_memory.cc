#include "agent/trainer/host_memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#endif

namespace laptime::trainer {

#ifdef __GLIBC__
namespace {

constexpr double kKibibyte = 1024;

std::optional<double> AvailableBytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string name; file >> name;) {
    double kibibytes = 0;
    if (name == "MemAvailable:" && file >> kibibytes) return kibibytes * kKibibyte;
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

// What the limit leaves; nothing without one.
std::optional<double> AddressSpaceBytes() {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return std::nullopt;
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  if (!(file >> pages)) return std::nullopt;
  const double used = pages * static_cast<double>(sysconf(_SC_PAGESIZE));
  return std::max(0.0, static_cast<double>(limit.rlim_cur) - used);
}

std::optional<double> Number(const char* file) {
  std::ifstream stream(file);
  double number = 0;
  return stream >> number ? std::optional(number) : std::nullopt;
}

// What version 2's limit leaves; nothing without one, which reads "max".
std::optional<double> ControlGroupBytes() {
  const auto limit = Number("/sys/fs/cgroup/memory.max");
  const auto used = Number("/sys/fs/cgroup/memory.current");
  return limit && used ? std::optional(std::max(0.0, *limit - *used)) : std::nullopt;
}

}  // namespace

void GiveBackUnusedHostMemory() { malloc_trim(0); }

std::optional<double> FreeHostMemoryBytes() {
  std::optional<double> bytes = AvailableBytes();
  for (const auto& limit : {ControlGroupBytes(), AddressSpaceBytes()}) {
    if (bytes && limit) bytes = std::min(*bytes, *limit);
  }
  return bytes;
}
#else
void GiveBackUnusedHostMemory() {}
std::optional<double> FreeHostMemoryBytes() { return std::nullopt; }
#endif

}  // namespace laptime::trainer
