#include "agent/telemetry/nvml.h"

#include <dlfcn.h>

#include <algorithm>
#include <charconv>
#include <sstream>

namespace laptime::agent {
namespace {

// The part of nvml.h that is used here. The library's interface is stable: functions with a changed
// meaning get a new name (_v2).
using Result = int;  // 0 = success
using Handle = void*;
struct MemoryInfo {
  unsigned long long total, free, used;
};
struct UtilizationInfo {
  unsigned gpu, memory;
};
constexpr unsigned kTemperatureGpu = 0;
constexpr unsigned kClockSm = 1;
constexpr unsigned kTextLength = 96;

using Init = Result (*)();
using Shutdown = Result (*)();
using GetText = Result (*)(char*, unsigned);
using GetCount = Result (*)(unsigned*);
using GetHandle = Result (*)(unsigned, Handle*);
using GetDeviceText = Result (*)(Handle, char*, unsigned);
using GetMemory = Result (*)(Handle, MemoryInfo*);
using GetUtilization = Result (*)(Handle, UtilizationInfo*);
using GetNumber = Result (*)(Handle, unsigned*);
using GetKindOfNumber = Result (*)(Handle, unsigned, unsigned*);

std::string DeviceText(GetDeviceText get, Handle gpu) {
  char text[kTextLength] = {};
  return get != nullptr && get(gpu, text, kTextLength) == 0 ? text : "";
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

template <typename Function>
Function Nvml::Find(const char* name) const {
  return reinterpret_cast<Function>(dlsym(library_, name));
}

Nvml::Nvml(void* library) : library_(library) {}

std::unique_ptr<Nvml> Nvml::Load() {
  void* library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return nullptr;
  std::unique_ptr<Nvml> nvml(new Nvml(library));
  const auto init = nvml->Find<Init>("nvmlInit_v2");
  if (init == nullptr || init() != 0) return nullptr;
  return nvml;
}

Nvml::~Nvml() {
  // Harmless when Init failed; says so and does nothing.
  if (const auto shutdown = Find<Shutdown>("nvmlShutdown")) shutdown();
  dlclose(library_);
}

std::vector<GpuInfo> Nvml::Gpus() const {
  std::vector<GpuInfo> gpus;
  const auto get_count = Find<GetCount>("nvmlDeviceGetCount_v2");
  const auto get_handle = Find<GetHandle>("nvmlDeviceGetHandleByIndex_v2");
  unsigned count = 0;
  if (get_count == nullptr || get_handle == nullptr || get_count(&count) != 0) return gpus;
  for (unsigned i = 0; i < count; ++i) {
    Handle handle = nullptr;
    if (get_handle(i, &handle) != 0) continue;
    GpuInfo gpu{i, DeviceText(Find<GetDeviceText>("nvmlDeviceGetName"), handle),
                DeviceText(Find<GetDeviceText>("nvmlDeviceGetUUID"), handle), std::nullopt};
    MemoryInfo memory = {};
    const auto get_memory = Find<GetMemory>("nvmlDeviceGetMemoryInfo");
    if (get_memory != nullptr && get_memory(handle, &memory) == 0) {
      gpu.memory_bytes = static_cast<double>(memory.total);
    }
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

std::string Nvml::DriverVersion() const {
  char text[kTextLength] = {};
  const auto get = Find<GetText>("nvmlSystemGetDriverVersion");
  return get != nullptr && get(text, kTextLength) == 0 ? text : "";
}

GpuReading Nvml::Read(unsigned nvml_index) const {
  GpuReading reading;
  Handle gpu = nullptr;
  const auto get_handle = Find<GetHandle>("nvmlDeviceGetHandleByIndex_v2");
  if (get_handle == nullptr || get_handle(nvml_index, &gpu) != 0) return reading;
  UtilizationInfo utilization = {};
  if (auto get = Find<GetUtilization>("nvmlDeviceGetUtilizationRates");
      get && get(gpu, &utilization) == 0) {
    reading.utilization_percent = utilization.gpu;
  }
  MemoryInfo memory = {};
  if (auto get = Find<GetMemory>("nvmlDeviceGetMemoryInfo"); get && get(gpu, &memory) == 0) {
    reading.memory_used_bytes = static_cast<double>(memory.used);
  }
  unsigned number = 0;
  if (auto get = Find<GetNumber>("nvmlDeviceGetPowerUsage"); get && get(gpu, &number) == 0) {
    reading.power_watts = number / 1000.0;
  }
  if (auto get = Find<GetKindOfNumber>("nvmlDeviceGetTemperature");
      get && get(gpu, kTemperatureGpu, &number) == 0) {
    reading.temperature_celsius = number;
  }
  if (auto get = Find<GetKindOfNumber>("nvmlDeviceGetClockInfo");
      get && get(gpu, kClockSm, &number) == 0) {
    reading.sm_clock_megahertz = number;
  }
  return reading;
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
