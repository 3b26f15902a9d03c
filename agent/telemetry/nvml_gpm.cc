#include "agent/telemetry/nvml_gpm.h"

#include <cmath>
#include <utility>

namespace laptime::agent {

std::unique_ptr<NvmlGpm> NvmlGpm::Open(const NvmlDevice& device) {
  const nvml::Api& api = device.api();
  if (device.handle() == nullptr || device.mig() || api.gpm_support == nullptr ||
      api.gpm_alloc == nullptr || api.gpm_free == nullptr || api.gpm_sample == nullptr ||
      api.gpm_metrics == nullptr) {
    return nullptr;
  }
  nvml::GpmSupport support = {nvml::kGpmSupportVersion, 0};
  if (api.gpm_support(device.handle(), &support) != nvml::kSuccess || support.supported == 0)
    return nullptr;
  std::unique_ptr<NvmlGpm> gpm(new NvmlGpm(device));
  return gpm->Begin() ? std::move(gpm) : nullptr;
}

bool NvmlGpm::Begin() {
  for (nvml::GpmSample& sample : samples_) {
    if (device_.api().gpm_alloc(&sample) != nvml::kSuccess) return false;
  }
  return device_.api().gpm_sample(device_.handle(), samples_[0]) == nvml::kSuccess;
}

NvmlGpm::~NvmlGpm() {
  for (const nvml::GpmSample sample : samples_) {
    if (sample != nullptr) device_.api().gpm_free(sample);
  }
}

GpmReading NvmlGpm::Read() {
  GpmReading reading;
  const nvml::Api& api = device_.api();
  if (api.gpm_sample(device_.handle(), samples_[1]) != nvml::kSuccess) return reading;
  nvml::GpmMetricsGet get = {};
  get.version = nvml::kGpmMetricsGetVersion;
  get.count = 3;
  get.sample1 = samples_[0];
  get.sample2 = samples_[1];
  get.metrics[0].id = nvml::kGpmSmUtilization;
  get.metrics[1].id = nvml::kGpmTensorUtilization;
  get.metrics[2].id = nvml::kGpmDramUtilization;
  if (api.gpm_metrics(&get) == nvml::kSuccess) {
    const auto value = [](const nvml::GpmMetric& metric) {
      const bool told = metric.result == nvml::kSuccess && std::isfinite(metric.value);
      return told ? std::optional(metric.value) : std::nullopt;
    };
    reading = {value(get.metrics[0]), value(get.metrics[1]), value(get.metrics[2])};
  }
  std::swap(samples_[0], samples_[1]);
  return reading;
}

}  // namespace laptime::agent
