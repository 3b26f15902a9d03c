#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace laptime::agent {

struct GpuInfo {
  unsigned nvml_index = 0;
  std::string name;  // "NVIDIA RTX A6000"
  std::string uuid;  // "GPU-…"
  std::optional<double> memory_bytes;
};

// One reading of one GPU; what its driver does not tell is absent.
struct GpuReading {
  std::optional<double> utilization_percent;
  std::optional<double> memory_used_bytes;
  std::optional<double> power_watts;
  std::optional<double> temperature_celsius;
  std::optional<double> sm_clock_megahertz;
};

// NVIDIA's management library, found at run time: no build needs it, no host must have it. Every
// call of it is optional. Thread-safe, as the library is.
class Nvml {
 public:
  // nullptr where there is no library or no driver.
  static std::unique_ptr<Nvml> Load();
  ~Nvml();

  // In PCI bus order, which the trainer is told to use too.
  std::vector<GpuInfo> Gpus() const;
  std::string DriverVersion() const;
  GpuReading Read(unsigned nvml_index) const;

 private:
  explicit Nvml(void* library);
  template <typename Function>
  Function Find(const char* name) const;

  void* library_;
};

// The GPUs that CUDA will show when CUDA_VISIBLE_DEVICES is `visible` (nullptr = unset), in its
// order: indices or UUIDs, and the first that names none ends the list.
std::vector<GpuInfo> VisibleGpus(const std::vector<GpuInfo>& gpus, const char* visible);

}  // namespace laptime::agent
