#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/sensor_list.h"

namespace laptime::agent {

// How warm the machine is: the hottest of the kernel's thermal zones, else of the CPU's own
// sensors (hwmon). With `of_device`, the device is the CPU and its thermal throttling is observed
// (counters of Intel's; absent elsewhere): Linux counts how often it began and, in newer
// kernels, when it ends how long it was. Between the two nothing tells that it goes on.
class ThermalZones : public Telemetry {
 public:
  ThermalZones(const std::filesystem::path& root, const std::vector<int>& cpus, bool of_device);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_.sensors(); }
  std::vector<std::optional<double>> Read() override { return sensors_.Read(); }
  void Observe(Moment& moment) override;

 private:
  struct Counter {
    std::filesystem::path file;
    double last = 0;
  };
  using Counters = std::vector<Counter>;

  static Counters Open(const std::filesystem::path& root, const std::vector<int>& cpus,
                       const std::string& name);
  // What the one that grew most grew by since the last call; absent when none can be read.
  static std::optional<double> MostGrowth(Counters& counters);

  Counters begins_, milliseconds_;  // of throttling, one for each CPU and its package
  double throttled_seconds_ = 0;    // since this object was made
  SensorList sensors_;
};

}  // namespace laptime::agent
