#include "agent/telemetry/cpu_frequency.h"

#include <algorithm>
#include <sstream>
#include <string>

#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

std::vector<int> Spread(const std::vector<int>& cpus) {
  if (cpus.size() <= kMaxFrequencyCpus) return cpus;
  std::vector<int> chosen;
  for (size_t i = 0; i < kMaxFrequencyCpus; ++i)
    chosen.push_back(cpus[i * cpus.size() / kMaxFrequencyCpus]);
  return chosen;
}

std::optional<double> Mean(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<double> Cpufreq(const fs::path& root, const std::vector<int>& cpus) {
  std::vector<double> megahertz;
  for (const int cpu : cpus) {
    if (const auto kilohertz = ReadNumber(CpuDir(root, cpu) / "cpufreq/scaling_cur_freq"))
      megahertz.push_back(*kilohertz / 1000);
  }
  return Mean(megahertz);
}

// "cpu MHz" of the chosen processors.
std::optional<double> CpuInfo(const fs::path& file, const std::vector<int>& cpus) {
  std::istringstream lines(ReadText(file));
  std::vector<double> megahertz;
  bool counted = false;
  int cpu = -1;
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string value = line.substr(colon + 1);
    if (line.rfind("processor", 0) == 0) cpu = std::atoi(value.c_str());
    if (line.rfind("flags", 0) == 0) counted |= value.find(" aperfmperf") != std::string::npos;
    if (line.rfind("cpu MHz", 0) == 0 && std::ranges::find(cpus, cpu) != cpus.end())
      megahertz.push_back(std::atof(value.c_str()));
  }
  return counted ? Mean(megahertz) : std::nullopt;
}

}  // namespace

CpuFrequency::CpuFrequency(const fs::path& root, const std::vector<int>& cpus) {
  const std::vector<int> chosen =
      Spread(cpus.empty() ? ParseCpuList(ReadText(root / "sys/devices/system/cpu/online")) : cpus);
  constexpr char kName[] = "cpu_frequency";
  sensors_.AddIfThere(NewSensor(kName, "megahertz", "cpufreq",
                                "scaling_cur_freq, mean over the CPUs that a run may use, at most "
                                "8 of them"),
                      [root, chosen] { return Cpufreq(root, chosen); });
  if (!sensors_.sensors().empty()) return;
  sensors_.AddIfThere(NewSensor(kName, "megahertz", "procfs",
                                "\"cpu MHz\" of /proc/cpuinfo, mean over the CPUs that a run may "
                                "use, at most 8 of them"),
                      [file = root / "proc/cpuinfo", chosen] { return CpuInfo(file, chosen); });
}

}  // namespace laptime::agent
