#include "agent/telemetry/proc_telemetry.h"

#include <algorithm>
#include <sstream>

#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

constexpr int kMachine = -1;

CpuTicks ParseTicks(std::istringstream& in) {
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  in >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  CpuTicks ticks;
  ticks.busy = user + nice + system + irq + softirq + steal;
  ticks.steal = steal;
  ticks.total = ticks.busy + idle + iowait;
  return ticks;
}

CpuTicks Since(const CpuTicks& now, const CpuTicks& before) {
  return {now.busy - before.busy, now.steal - before.steal, now.total - before.total};
}

// Percent of `whole`; absent when no time has passed. Counters of a CPU that slept can step back a
// little.
std::optional<double> Percent(double part, double whole) {
  if (!(whole > 0)) return std::nullopt;
  return std::clamp(100 * part / whole, 0.0, 100.0);
}

}  // namespace

std::map<int, CpuTicks> ParseCpuTicks(const std::string& proc_stat) {
  std::map<int, CpuTicks> ticks;
  std::istringstream lines(proc_stat);
  for (std::string line; std::getline(lines, line) && line.rfind("cpu", 0) == 0;) {
    std::istringstream in(line.substr(3));
    int cpu = kMachine;
    if (line.size() > 3 && line[3] != ' ') in >> cpu;
    ticks[cpu] = ParseTicks(in);
  }
  return ticks;
}

ProcTelemetry::ProcTelemetry(const ProcTelemetryOptions& options) : options_(options) {
  sensors_ = {
      NewSensor("cpu_utilization", "percent", "procfs",
                "share of the past period in which the machine's CPUs were not idle (all but idle "
                "and iowait of "
                "/proc/stat), mean over CPUs"),
      NewSensor("cpu_steal", "percent", "procfs",
                "share of the past period that the hypervisor took from the machine's CPUs, mean "
                "over CPUs"),
      NewSensor("memory_used", "bytes", "procfs", "MemTotal minus MemAvailable of /proc/meminfo"),
  };
  if (options_.device_threads) {
    sensors_.push_back(NewSensor(kDeviceUtilization, "percent", "procfs",
                                 "time the CPUs this device may use were not idle (any process, "
                                 "all but idle and iowait of /proc/stat), "
                                 "over the threads it may use times the past period; at most 100"));
  }
  before_ = ParseCpuTicks(ReadText(options_.root / "proc/stat"));
}

std::vector<std::optional<double>> ProcTelemetry::Read() {
  const auto now = ParseCpuTicks(ReadText(options_.root / "proc/stat"));
  const auto meminfo = ParseFields(ReadText(options_.root / "proc/meminfo"), ':');
  std::vector<std::optional<double>> values(3);
  if (now.contains(kMachine) && before_.contains(kMachine)) {
    const CpuTicks machine = Since(now.at(kMachine), before_.at(kMachine));
    values[0] = Percent(machine.busy, machine.total);
    values[1] = Percent(machine.steal, machine.total);
  }
  const auto total = MemInfoBytes(meminfo, "MemTotal");
  const auto available = MemInfoBytes(meminfo, "MemAvailable");
  if (total && available) values[2] = *total - *available;
  if (options_.device_threads) values.push_back(DeviceUtilization(now));
  before_ = now;
  return values;
}

std::optional<double> ProcTelemetry::DeviceUtilization(const std::map<int, CpuTicks>& now) const {
  double busy_cpus = 0;
  int cpus = 0;
  for (const auto& [cpu, ticks] : now) {
    const auto before = before_.find(cpu);
    const bool allowed = options_.cpus.empty() || std::ranges::binary_search(options_.cpus, cpu);
    if (cpu == kMachine || !allowed || before == before_.end()) continue;
    const CpuTicks past = Since(ticks, before->second);
    if (!(past.total > 0)) continue;
    busy_cpus += past.busy / past.total;
    ++cpus;
  }
  double capacity = cpus;
  if (options_.cpu_quota > 0) capacity = std::min(capacity, options_.cpu_quota);
  if (*options_.device_threads > 0) capacity = std::min<double>(capacity, *options_.device_threads);
  return Percent(busy_cpus, capacity);
}

}  // namespace laptime::agent
