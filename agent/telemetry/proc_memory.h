#pragma once

#include <filesystem>
#include <vector>

#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// Memory in use, from Linux's /proc/meminfo.
class ProcMemory : public Telemetry {
 public:
  explicit ProcMemory(const std::filesystem::path& root);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override { return sensors_.Read(); }

 private:
  SensorList sensors_;
};

}  // namespace laptime::agent
