#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/nvml_device.h"
#include "agent/telemetry/nvml_gpm.h"
#include "agent/telemetry/run_processes.h"
#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// One NVIDIA GPU: what of NVML's readings it has is found out once. Observes its energy, its
// throttling, other processes on it, and whether its driver is still the one of the beginning.
//
// `nvml` and `run` must outlive it.
class NvmlTelemetry : public Telemetry {
 public:
  NvmlTelemetry(const Nvml& nvml, unsigned nvml_index, const RunProcesses& run);
  NvmlTelemetry(const NvmlTelemetry&) = delete;
  NvmlTelemetry& operator=(const NvmlTelemetry&) = delete;

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override;
  void Observe(Moment& moment) override;

 private:
  void AddLoad();
  void AddPower();
  void AddClocks();
  void AddGpm();

  const NvmlDevice device_;
  const RunProcesses& run_;
  const std::string driver_;
  const std::unique_ptr<NvmlGpm> gpm_;
  // Of the last Read, whose sensors share them.
  GpmReading gpm_reading_;
  std::optional<uint64_t> event_reasons_;
  SensorList sensors_;
};

}  // namespace laptime::agent
