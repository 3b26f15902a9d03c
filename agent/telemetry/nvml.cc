#include "agent/telemetry/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace laptime::agent {
namespace {

std::string DeviceText(nvml::Result (*get)(nvml::Device, char*, unsigned), nvml::Device gpu) {
  char text[nvml::kTextLength] = {};
  return get != nullptr && get(gpu, text, nvml::kTextLength) == nvml::kSuccess ? text : "";
}

const GpuInfo* FindVisible(const std::vector<GpuInfo>& gpus, const std::string& entry) {
  unsigned index = 0;
  const auto [end, error] = std::from_chars(entry.data(), entry.data() + entry.size(), index);
  const bool number = error == std::errc() && end == entry.data() + entry.size();
  if (number) return index < gpus.size() ? &gpus[index] : nullptr;
  if (entry.rfind("GPU-", 0) != 0) return nullptr;
  const auto found =
      std::ranges::find_if(gpus, [&](const GpuInfo& gpu) { return gpu.uuid.rfind(entry, 0) == 0; });
  return found == gpus.end() ? nullptr : &*found;
}

}  // namespace

Nvml::Nvml(void* library) : library_(library), api_(library) {}

std::unique_ptr<Nvml> Nvml::Load(const std::string& library) {
  void* opened = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (opened == nullptr) return nullptr;
  std::unique_ptr<Nvml> nvml(new Nvml(opened));
  if (nvml->api_.init == nullptr || nvml->api_.init() != nvml::kSuccess) return nullptr;
  return nvml;
}

Nvml::~Nvml() {
  // Harmless when Init failed; says so and does nothing.
  if (api_.shutdown != nullptr) api_.shutdown();
  dlclose(library_);
}

nvml::Device Nvml::Device(unsigned nvml_index) const {
  nvml::Device gpu = nullptr;
  if (api_.handle == nullptr || api_.handle(nvml_index, &gpu) != nvml::kSuccess) return nullptr;
  return gpu;
}

std::vector<GpuInfo> Nvml::Gpus() const {
  std::vector<GpuInfo> gpus;
  unsigned count = 0;
  if (api_.count == nullptr || api_.count(&count) != nvml::kSuccess) return gpus;
  for (unsigned i = 0; i < count; ++i) {
    const nvml::Device handle = Device(i);
    if (handle == nullptr) continue;
    GpuInfo gpu{i, DeviceText(api_.name, handle), DeviceText(api_.uuid, handle), std::nullopt};
    nvml::Memory memory = {};
    if (api_.memory != nullptr && api_.memory(handle, &memory) == nvml::kSuccess)
      gpu.memory_bytes = static_cast<double>(memory.total);
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

std::string Nvml::DriverVersion() const {
  char text[nvml::kTextLength] = {};
  const bool told = api_.driver_version != nullptr &&
                    api_.driver_version(text, nvml::kTextLength) == nvml::kSuccess;
  return told ? text : "";
}

std::optional<double> Nvml::PowerLimitWatts(unsigned nvml_index) const {
  return Watts(api_.power_limit, nvml_index);
}

std::optional<double> Nvml::DefaultPowerLimitWatts(unsigned nvml_index) const {
  return Watts(api_.power_default_limit, nvml_index);
}

std::optional<double> Nvml::Watts(nvml::Result (*ask)(nvml::Device, unsigned*),
                                  unsigned nvml_index) const {
  const nvml::Device gpu = Device(nvml_index);
  unsigned milliwatts = 0;
  if (gpu == nullptr || ask == nullptr || ask(gpu, &milliwatts) != nvml::kSuccess)
    return std::nullopt;
  return milliwatts / 1000.0;
}

std::vector<GpuInfo> VisibleGpus(const std::vector<GpuInfo>& gpus, const char* visible) {
  if (visible == nullptr) return gpus;
  std::vector<GpuInfo> shown;
  std::istringstream entries(visible);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const GpuInfo* gpu = FindVisible(gpus, entry);
    if (gpu == nullptr) break;
    shown.push_back(*gpu);
  }
  return shown;
}

}  // namespace laptime::agent
