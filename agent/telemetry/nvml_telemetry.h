#pragma once

#include <vector>

#include "agent/telemetry/nvml.h"
#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// One NVIDIA GPU. `nvml` must outlive it.
class NvmlTelemetry : public Telemetry {
 public:
  NvmlTelemetry(const Nvml& nvml, unsigned nvml_index);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_; }
  std::vector<std::optional<double>> Read() override;

 private:
  const Nvml& nvml_;
  const unsigned nvml_index_;
  const std::vector<v1::Sensor> sensors_;
};

}  // namespace laptime::agent
