#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// The tightest limit of CPU time over this process's cgroup and those above it, of either version.
struct CpuQuota {
  double cpus = 0;              // CPUs' worth of time; 0: there is none
  std::filesystem::path stat;   // the cpu.stat of the group that has it
  std::filesystem::path usage;  // version 1: what counts that group's CPU time
};
CpuQuota ReadCpuQuota(const std::filesystem::path& root);

// The tightest limit of memory, likewise.
struct MemoryLimit {
  double bytes = 0;            // 0: there is none
  std::filesystem::path used;  // what says how much of it is used
};
MemoryLimit ReadMemoryLimit(const std::filesystem::path& root);

// How this process's cgroup fares with its limits; without limits it has no sensors. Observes the
// CPU time that was used of the quota, by whatever process.
class CgroupTelemetry : public Telemetry {
 public:
  explicit CgroupTelemetry(const std::filesystem::path& root);
  CgroupTelemetry(const CgroupTelemetry&) = delete;
  CgroupTelemetry& operator=(const CgroupTelemetry&) = delete;

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override;
  void Observe(Moment& moment) override;

 private:
  // Of the quota's enforcement periods.
  struct Periods {
    double all = 0, throttled = 0;
  };
  std::optional<Periods> ReadPeriods() const;

  const CpuQuota quota_;
  std::optional<Periods> before_;
  std::optional<double> throttled_percent_;
  SensorList sensors_;
};

}  // namespace laptime::agent
