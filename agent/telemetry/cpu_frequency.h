#pragma once

#include <filesystem>
#include <vector>

#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// Of a machine with more CPUs only so many are asked for their clock, evenly spread: on older
// kernels each question interrupts the CPU that it is about.
inline constexpr size_t kMaxFrequencyCpus = 8;

// The clock of the CPUs that a run may use (`cpus`; empty = all): cpufreq's scaling_cur_freq, else
// "cpu MHz" of /proc/cpuinfo where the CPU counts its cycles (aperfmperf): elsewhere, in virtual
// machines above all, that line is a constant, and so no sensor.
class CpuFrequency : public Telemetry {
 public:
  CpuFrequency(const std::filesystem::path& root, const std::vector<int>& cpus);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override { return sensors_.Read(); }

 private:
  SensorList sensors_;
};

}  // namespace laptime::agent
