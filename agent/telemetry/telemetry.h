#pragma once

#include <optional>
#include <string>
#include <vector>

#include "laptime/v1/common.pb.h"

namespace laptime::agent {

// The sensor whose readings fill Epoch.utilization, whatever its source.
inline constexpr char kDeviceUtilization[] = "device_utilization";

// A source of readings: the kernel, a driver. One thread uses it at a time.
class Telemetry {
 public:
  virtual ~Telemetry() = default;
  // What it measures; does not change. `period_seconds` is left for the sampler to fill in.
  virtual const std::vector<v1::Sensor>& sensors() const = 0;
  // One value per sensor, in their order; absent = could not be measured this time. Utilizations
  // cover the time since the previous Read.
  virtual std::vector<std::optional<double>> Read() = 0;
};

inline v1::Sensor NewSensor(const std::string& name, const std::string& unit,
                            const std::string& source, const std::string& definition) {
  v1::Sensor sensor;
  sensor.set_name(name);
  sensor.set_unit(unit);
  sensor.set_source(source);
  sensor.set_definition(definition);
  return sensor;
}

}  // namespace laptime::agent
