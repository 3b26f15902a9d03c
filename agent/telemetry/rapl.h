#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// The energy that the CPU packages used, from Linux's powercap (RAPL: Intel, AMD). The counters are
// readable for root alone on most systems; where they are not, there is no sensor. With
// `of_device`, the device is the CPU and this is its energy.
class Rapl : public Telemetry {
 public:
  // `clock` tells steady seconds; tests give their own.
  Rapl(const std::filesystem::path& root, bool of_device,
       std::function<double()> clock = SteadySeconds);
  Rapl(const Rapl&) = delete;
  Rapl& operator=(const Rapl&) = delete;

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override;
  void Observe(Moment& moment) override;

  static double SteadySeconds();

 private:
  // One package: its counter wraps around at `range` microjoules.
  struct Package {
    std::filesystem::path counter;
    double range = 0;
    double last = 0;
  };

  // Adds to `joules_` what the packages used since the last call; false when one cannot be read.
  bool Count();

  const bool of_device_;
  const std::function<double()> clock_;
  std::vector<Package> packages_;
  double joules_ = 0;  // since this object was made
  double read_at_ = 0, read_joules_ = 0;
  std::optional<double> watts_;
  SensorList sensors_;
};

}  // namespace laptime::agent
