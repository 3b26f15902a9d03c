#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/run_processes.h"
#include "agent/telemetry/sensor_list.h"
#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// CPU time of one CPU, or of all of them, in ticks since the machine started.
struct CpuTicks {
  double busy = 0;   // all but idle and iowait; guests are part of user, steal of busy
  double steal = 0;  // taken by the hypervisor
  double total = 0;
};

// The lines "cpu…" of /proc/stat; key -1 is the machine as a whole.
std::map<int, CpuTicks> ParseCpuTicks(const std::string& proc_stat);

struct ProcCpuOptions {
  std::filesystem::path root = "/";
  std::vector<int> cpus;  // those this process may use; empty = all
  double cpu_quota = 0;   // HostFacts::cpu_quota
  // For a CPU device: the threads it may use (0 = all its CPUs). Absent for other devices, whose
  // own telemetry says how busy they are.
  std::optional<int> device_threads;
};

// How busy the CPUs are, from Linux's /proc/stat: the machine, the device, and of single CPUs only
// the idlest and the busiest: 64 series a second would cost more than they tell. Observes what the
// CPUs did for anybody, and for the run.
//
// `run` must outlive it.
class ProcCpu : public Telemetry {
 public:
  ProcCpu(const ProcCpuOptions& options, RunProcesses& run);
  ProcCpu(const ProcCpu&) = delete;
  ProcCpu& operator=(const ProcCpu&) = delete;

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override;
  void Observe(Moment& moment) override;

 private:
  using Ticks = std::map<int, CpuTicks>;

  Ticks Now() const;
  bool Allowed(int cpu) const;
  void AddMachine();
  void AddCpus();
  // Busy share of each CPU that may be used, over the past period, 0…1.
  std::vector<double> BusyShares() const;
  // Busy share of what the device may use, 0…100.
  std::optional<double> DeviceUtilization() const;

  const ProcCpuOptions options_;
  RunProcesses& run_;
  SensorList sensors_;
  Ticks before_;
  Ticks past_;  // of the period that ended with the last Read
};

}  // namespace laptime::agent
