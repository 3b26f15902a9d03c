#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// CPU time of one CPU, or of all of them, in ticks since the machine started.
struct CpuTicks {
  double busy = 0;   // all but idle and iowait; guests are part of user
  double steal = 0;  // taken by the hypervisor
  double total = 0;
};

// The lines "cpu…" of /proc/stat; key -1 is the machine as a whole.
std::map<int, CpuTicks> ParseCpuTicks(const std::string& proc_stat);

struct ProcTelemetryOptions {
  std::filesystem::path root = "/";
  std::vector<int> cpus;  // those this process may use; empty = all
  double cpu_quota = 0;   // HostFacts::cpu_quota
  // For a CPU device: the threads it may use (0 = all its CPUs). Absent for other devices, whose
  // own telemetry says how busy they are.
  std::optional<int> device_threads;
};

// CPU, steal and memory from Linux's /proc.
class ProcTelemetry : public Telemetry {
 public:
  explicit ProcTelemetry(const ProcTelemetryOptions& options);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_; }
  std::vector<std::optional<double>> Read() override;

 private:
  // Busy share of what the device may use, 0…100.
  std::optional<double> DeviceUtilization(const std::map<int, CpuTicks>& now) const;

  const ProcTelemetryOptions options_;
  std::vector<v1::Sensor> sensors_;
  std::map<int, CpuTicks> before_;
};

}  // namespace laptime::agent
