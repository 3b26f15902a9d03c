#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/moment.h"
#include "laptime/v1/common.pb.h"

namespace laptime::agent {

// The sensor whose readings fill Epoch.utilization, whatever its source.
inline constexpr char kDeviceUtilization[] = "device_utilization";
// The sensor whose readings are integrated where the device has no counter of energy.
inline constexpr char kDevicePower[] = "device_power";

// A source of readings: the kernel, a driver. One thread uses it at a time. What a machine does not
// offer is found out when the source is made, and is no sensor of it.
class Telemetry {
 public:
  virtual ~Telemetry() = default;
  // What it measures; does not change. `period_seconds` is left for the sampler to fill in.
  virtual const std::vector<v1::Sensor>& sensors() const = 0;
  // One value per sensor, in their order; absent = could not be measured this time. Utilizations
  // cover the time since the previous Read.
  virtual std::vector<std::optional<double>> Read() = 0;
  // Fills in its part of `moment`. At other times than Read, too: at the ends of laps.
  virtual void Observe(Moment& /*moment*/) {}
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
