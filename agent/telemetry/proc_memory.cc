#include "agent/telemetry/proc_memory.h"

#include <string>

#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

std::optional<double> UsedBytes(const std::filesystem::path& meminfo) {
  const auto fields = ParseFields(ReadText(meminfo), ':');
  const auto total = MemInfoBytes(fields, "MemTotal");
  const auto available = MemInfoBytes(fields, "MemAvailable");
  if (!total || !available) return std::nullopt;
  return *total - *available;
}

}  // namespace

ProcMemory::ProcMemory(const std::filesystem::path& root) {
  sensors_.AddIfThere(
      NewSensor("memory_used", "bytes", "procfs", "MemTotal minus MemAvailable of /proc/meminfo"),
      [meminfo = root / "proc/meminfo"] { return UsedBytes(meminfo); });
}

}  // namespace laptime::agent
