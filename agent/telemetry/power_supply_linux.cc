#include <set>

#include "agent/telemetry/power_supply.h"
#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

constexpr char kProfile[] = "sys/firmware/acpi/platform_profile";

// The values of one cpufreq file over the CPUs, each once.
std::string OfCpus(const fs::path& root, const std::vector<int>& cpus, const std::string& file) {
  std::set<std::string> values;
  for (const int cpu : cpus) {
    const std::string value = ReadText(CpuDir(root, cpu) / "cpufreq" / file);
    if (!value.empty()) values.insert(value);
  }
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : ",") + value;
  return text;
}

// Intel's driver asks the question the other way round.
std::string Boost(const fs::path& root) {
  const fs::path cpus = root / "sys/devices/system/cpu";
  if (const auto off = ReadNumber(cpus / "intel_pstate/no_turbo")) return *off == 0 ? "on" : "off";
  if (const auto on = ReadNumber(cpus / "cpufreq/boost")) return *on == 0 ? "off" : "on";
  return "";
}

}  // namespace

std::optional<bool> OnBattery(const fs::path& root) {
  const fs::path supplies = root / "sys/class/power_supply";
  std::error_code error;
  if (!fs::is_directory(supplies, error)) return std::nullopt;
  bool discharging = false;
  for (fs::directory_iterator supply(supplies, error), end; !error && supply != end;
       supply.increment(error)) {
    const fs::path dir = supply->path();
    if (ReadText(dir / "scope") == "Device") continue;
    const bool battery = ReadText(dir / "type") == "Battery";
    if (!battery && ReadNumber(dir / "online") == 1) return false;
    discharging |= battery && ReadText(dir / "status") == "Discharging";
  }
  return discharging;
}

std::optional<bool> LowPowerMode(const fs::path& root) {
  const std::string profile = ReadText(root / kProfile);
  if (profile.empty()) return std::nullopt;
  return profile == "low-power";
}

std::map<std::string, std::string> PowerFacts(const fs::path& root, const std::vector<int>& cpus) {
  const std::vector<int> all =
      cpus.empty() ? ParseCpuList(ReadText(root / "sys/devices/system/cpu/online")) : cpus;
  std::map<std::string, std::string> facts = {
      {"governor", OfCpus(root, all, "scaling_governor")},
      {"energy_performance_preference", OfCpus(root, all, "energy_performance_preference")},
      {"boost", Boost(root)},
      {"platform_profile", ReadText(root / kProfile)}};
  if (const auto battery = OnBattery(root)) facts["source"] = *battery ? "battery" : "ac";
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  return facts;
}

}  // namespace laptime::agent
