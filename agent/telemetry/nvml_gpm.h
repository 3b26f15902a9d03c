#pragma once

#include <array>
#include <memory>
#include <optional>

#include "agent/telemetry/nvml_device.h"

namespace laptime::agent {

// What parts of the chip did, in percent of the time since the reading before.
struct GpmReading {
  std::optional<double> sm;      // SMs that were busy
  std::optional<double> tensor;  // SMs' time in tensor operations
  std::optional<double> dram;    // of the memory's bandwidth
};

// NVML's GPU performance monitoring: Hopper and newer.
//
// One thread at a time. `device` must outlive it.
class NvmlGpm {
 public:
  // nullptr where the device does not have it, or its driver does not let us.
  static std::unique_ptr<NvmlGpm> Open(const NvmlDevice& device);
  ~NvmlGpm();
  NvmlGpm(const NvmlGpm&) = delete;
  NvmlGpm& operator=(const NvmlGpm&) = delete;

  GpmReading Read();

 private:
  explicit NvmlGpm(const NvmlDevice& device) : device_(device) {}
  bool Begin();

  const NvmlDevice& device_;
  std::array<nvml::GpmSample, 2> samples_ = {};  // the first is the older one
};

}  // namespace laptime::agent
