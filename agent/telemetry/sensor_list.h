#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// The sensors of one source with the ways to read them.
class SensorList {
 public:
  using Reader = std::function<std::optional<double>()>;

  void Add(v1::Sensor sensor, Reader read) {
    sensors_.push_back(std::move(sensor));
    readers_.push_back(std::move(read));
  }
  // Adds it only if it can be read now.
  void AddIfThere(v1::Sensor sensor, Reader read) {
    if (read()) Add(std::move(sensor), std::move(read));
  }

  const std::vector<v1::Sensor>& sensors() const { return sensors_; }
  std::vector<std::optional<double>> Read() const {
    std::vector<std::optional<double>> values;
    values.reserve(readers_.size());
    for (const Reader& read : readers_) values.push_back(read());
    return values;
  }

 private:
  std::vector<v1::Sensor> sensors_;
  std::vector<Reader> readers_;
};

}  // namespace laptime::agent
