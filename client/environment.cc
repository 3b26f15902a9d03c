#include "client/environment.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

namespace laptime::client {

std::optional<std::string> ReadEnvironment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string ProgramDirectory() {
  std::error_code error;
#ifdef __APPLE__
  std::array<char, 4096> buffer{};
  uint32_t size = buffer.size();
  if (_NSGetExecutablePath(buffer.data(), &size) != 0) return "";
  const std::filesystem::path program = std::filesystem::canonical(buffer.data(), error);
#else
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
#endif
  return error ? "" : program.parent_path().string();
}

}  // namespace laptime::client
