#include "agent/telemetry/proc_cpu.h"

#include <unistd.h>

#include <algorithm>
#include <numeric>
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

ProcCpu::ProcCpu(const ProcCpuOptions& options, RunProcesses& run)
    : options_(options), run_(run), before_(Now()) {
  if (before_.contains(kMachine)) AddMachine();
  const auto usable = [this](const auto& cpu) { return Allowed(cpu.first); };
  if (std::ranges::any_of(before_, usable)) AddCpus();
}

void ProcCpu::AddMachine() {
  const auto share = [this](double CpuTicks::*part) -> std::optional<double> {
    const auto machine = past_.find(kMachine);
    if (machine == past_.end()) return std::nullopt;
    return Percent(machine->second.*part, machine->second.total);
  };
  sensors_.Add(NewSensor("cpu_utilization", "percent", "procfs",
                         "share of the past period in which the machine's CPUs were not idle (all "
                         "but idle and iowait of /proc/stat), mean over CPUs"),
               [share] { return share(&CpuTicks::busy); });
  sensors_.Add(NewSensor("cpu_steal", "percent", "procfs",
                         "share of the past period that the hypervisor took from the machine's "
                         "CPUs, mean over CPUs"),
               [share] { return share(&CpuTicks::steal); });
}

void ProcCpu::AddCpus() {
  sensors_.Add(NewSensor("cpu_idlest", "percent", "procfs",
                         "share of the past period in which the least busy of the CPUs that a run "
                         "may use was not idle"),
               [this]() -> std::optional<double> {
                 const auto busy = BusyShares();
                 return busy.empty() ? std::nullopt : Percent(std::ranges::min(busy), 1);
               });
  sensors_.Add(NewSensor("cpu_busiest", "percent", "procfs",
                         "share of the past period in which the busiest of the CPUs that a run may "
                         "use was not idle"),
               [this]() -> std::optional<double> {
                 const auto busy = BusyShares();
                 return busy.empty() ? std::nullopt : Percent(std::ranges::max(busy), 1);
               });
  if (!options_.device_threads) return;
  sensors_.Add(NewSensor(kDeviceUtilization, "percent", "procfs",
                         "time the CPUs this device may use were not idle (any process, all but "
                         "idle and iowait of /proc/stat), over the threads it may use times the "
                         "past period; at most 100"),
               [this] { return DeviceUtilization(); });
}

std::vector<std::optional<double>> ProcCpu::Read() {
  Ticks now = Now();
  past_.clear();
  for (const auto& [cpu, ticks] : now) {
    if (const auto before = before_.find(cpu); before != before_.end())
      past_[cpu] = Since(ticks, before->second);
  }
  before_ = std::move(now);
  return sensors_.Read();
}

void ProcCpu::Observe(Moment& moment) {
  const double ticks_a_second = static_cast<double>(sysconf(_SC_CLK_TCK));
  double busy = 0, steal = 0;
  int cpus = 0;
  for (const auto& [cpu, ticks] : Now()) {
    if (!Allowed(cpu)) continue;
    busy += ticks.busy - ticks.steal;
    steal += ticks.steal;
    ++cpus;
  }
  moment.own_seconds = run_.CpuSeconds();
  if (cpus == 0) return;
  moment.cpus = cpus;
  moment.busy_seconds = busy / ticks_a_second;
  moment.steal_seconds = steal / ticks_a_second;
}

ProcCpu::Ticks ProcCpu::Now() const { return ParseCpuTicks(ReadText(options_.root / "proc/stat")); }

bool ProcCpu::Allowed(int cpu) const {
  if (cpu == kMachine) return false;
  return options_.cpus.empty() || std::ranges::binary_search(options_.cpus, cpu);
}

std::vector<double> ProcCpu::BusyShares() const {
  std::vector<double> shares;
  for (const auto& [cpu, past] : past_) {
    if (Allowed(cpu) && past.total > 0) shares.push_back(past.busy / past.total);
  }
  return shares;
}

std::optional<double> ProcCpu::DeviceUtilization() const {
  const std::vector<double> busy = BusyShares();
  auto capacity = static_cast<double>(busy.size());
  if (options_.cpu_quota > 0) capacity = std::min(capacity, options_.cpu_quota);
  if (*options_.device_threads > 0) capacity = std::min<double>(capacity, *options_.device_threads);
  return Percent(std::accumulate(busy.begin(), busy.end(), 0.0), capacity);
}

}  // namespace laptime::agent
