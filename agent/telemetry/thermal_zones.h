#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// How warm the machine is: the hottest of the kernel's thermal zones, else of the CPU's own
// sensors (hwmon). With `of_device`, the device is the CPU and its thermal throttling is observed
// (counters of x86; absent elsewhere).
class ThermalZones : public Telemetry {
 public:
  ThermalZones(const std::filesystem::path& root, const std::vector<int>& cpus, bool of_device);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override { return sensors_.Read(); }
  void Observe(Moment& moment) override;

 private:
  // How often the CPUs were throttled since the machine started.
  std::optional<double> Throttles() const;

  std::vector<std::filesystem::path> counters_;
  std::optional<double> throttles_;  // as of the last moment
  SensorList sensors_;
};

}  // namespace laptime::agent
