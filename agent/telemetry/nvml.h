#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/telemetry/nvml_api.h"

namespace laptime::agent {

inline constexpr char kNvmlLibrary[] = "libnvidia-ml.so.1";

struct GpuInfo {
  unsigned nvml_index = 0;
  std::string name;  // "NVIDIA RTX A6000"
  std::string uuid;  // "GPU-…"
  std::optional<double> memory_bytes;
};

// NVIDIA's management library, found at run time: no build needs it, no host must have it. Every
// call of it is optional. Thread-safe, as the library is.
class Nvml {
 public:
  // nullptr where there is no library or no driver. Tests name a library of their own.
  static std::unique_ptr<Nvml> Load(const std::string& library = kNvmlLibrary);
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  // In PCI bus order, which the trainer is told to use too.
  std::vector<GpuInfo> Gpus() const;
  std::string DriverVersion() const;
  // What the GPU may draw at most, in watts: now, and unless somebody changed it.
  std::optional<double> PowerLimitWatts(unsigned nvml_index) const;
  std::optional<double> DefaultPowerLimitWatts(unsigned nvml_index) const;

  const nvml::Api& api() const { return api_; }
  // nullptr when there is no such GPU.
  nvml::Device Device(unsigned nvml_index) const;

 private:
  explicit Nvml(void* library);
  std::optional<double> Watts(nvml::Result (*ask)(nvml::Device, unsigned*),
                              unsigned nvml_index) const;

  void* const library_;
  const nvml::Api api_;
};

// The GPUs that CUDA will show when CUDA_VISIBLE_DEVICES is `visible` (nullptr = unset), in its
// order: indices or UUIDs, and the first that names none ends the list.
std::vector<GpuInfo> VisibleGpus(const std::vector<GpuInfo>& gpus, const char* visible);

}  // namespace laptime::agent
