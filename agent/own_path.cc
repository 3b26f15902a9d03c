#include "agent/own_path.h"

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include <cstdint>

namespace laptime::agent {

std::filesystem::path OwnDirectory() {
  std::error_code error;
#ifdef __APPLE__
  char path[4096] = {};
  uint32_t size = sizeof path;
  if (_NSGetExecutablePath(path, &size) != 0) return {};
  return std::filesystem::canonical(path, error).parent_path();
#else
  return std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
#endif
}

}  // namespace laptime::agent
