#include "agent/telemetry/thermal_zones.h"

#include <algorithm>
#include <array>
#include <string>

#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

// A zone that reads less or more is not connected or means something else.
constexpr double kColdest = -40, kHottest = 150;

std::optional<double> Hottest(const std::vector<fs::path>& files) {
  std::optional<double> hottest;
  for (const fs::path& file : files) {
    const auto thousandths = ReadNumber(file);
    if (!thousandths) continue;
    const double celsius = *thousandths / 1000;
    if (celsius > kColdest && celsius < kHottest)
      hottest = std::max(hottest.value_or(celsius), celsius);
  }
  return hottest;
}

std::vector<fs::path> Entries(const fs::path& dir, const std::string& prefix) {
  std::vector<fs::path> entries;
  std::error_code error;
  for (fs::directory_iterator entry(dir, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().filename().string().rfind(prefix, 0) == 0) entries.push_back(entry->path());
  }
  std::ranges::sort(entries);
  return entries;
}

std::vector<fs::path> Zones(const fs::path& root) {
  std::vector<fs::path> files;
  for (const fs::path& zone : Entries(root / "sys/class/thermal", "thermal_zone"))
    files.push_back(zone / "temp");
  return files;
}

// Temperatures of the CPU's driver: Intel, AMD.
std::vector<fs::path> CpuSensors(const fs::path& root) {
  constexpr std::array kDrivers = {"coretemp", "k10temp", "zenpower"};
  std::vector<fs::path> files;
  for (const fs::path& monitor : Entries(root / "sys/class/hwmon", "hwmon")) {
    if (std::ranges::find(kDrivers, ReadText(monitor / "name")) == kDrivers.end()) continue;
    for (const fs::path& file : Entries(monitor, "temp")) {
      if (file.string().ends_with("_input")) files.push_back(file);
    }
  }
  return files;
}

}  // namespace

ThermalZones::ThermalZones(const fs::path& root, const std::vector<int>& cpus, bool of_device) {
  constexpr char kName[] = "hottest_zone";
  sensors_.AddIfThere(NewSensor(kName, "celsius", "thermal", "the hottest of the thermal zones"),
                      [files = Zones(root)] { return Hottest(files); });
  if (sensors_.sensors().empty()) {
    sensors_.AddIfThere(NewSensor(kName, "celsius", "hwmon", "the hottest of the CPU's sensors"),
                        [files = CpuSensors(root)] { return Hottest(files); });
  }
  if (!of_device) return;
  begins_ = Open(root, cpus, "throttle_count");
  milliseconds_ = Open(root, cpus, "throttle_total_time_ms");
}

ThermalZones::Counters ThermalZones::Open(const fs::path& root, const std::vector<int>& cpus,
                                          const std::string& name) {
  Counters counters;
  for (const int cpu : cpus) {
    for (const char* level : {"core_", "package_"}) {
      const fs::path file = CpuDir(root, cpu) / "thermal_throttle" / (level + name);
      if (const auto now = ReadNumber(file)) counters.push_back({file, *now});
    }
  }
  return counters;
}

std::optional<double> ThermalZones::MostGrowth(Counters& counters) {
  std::optional<double> most;
  for (Counter& counter : counters) {
    const auto now = ReadNumber(counter.file);
    if (!now) continue;
    most = std::max(most.value_or(0), *now - counter.last);
    counter.last = *now;
  }
  return most;
}

void ThermalZones::Observe(Moment& moment) {
  const auto begins = MostGrowth(begins_);
  const auto milliseconds = MostGrowth(milliseconds_);
  if (begins) moment.throttled = *begins > 0 || milliseconds.value_or(0) > 0 ? kCpuThermal : 0;
  if (milliseconds) moment.throttled_seconds = throttled_seconds_ += *milliseconds / 1000;
}

}  // namespace laptime::agent
