#include "agent/telemetry/nvml_api.h"

#include <dlfcn.h>

#include <initializer_list>

namespace laptime::agent::nvml {
namespace {

// The first of the names that the library has.
template <typename Function, typename... Names>
void Find(void* library, Function& function, Names... names) {
  function = nullptr;
  for (const char* name : {names...}) {
    if (function == nullptr) function = reinterpret_cast<Function>(dlsym(library, name));
  }
}

}  // namespace

Api::Api(void* library) {
  const auto find = [library](auto& function, auto... names) { Find(library, function, names...); };
  find(init, "nvmlInit_v2");
  find(shutdown, "nvmlShutdown");
  find(driver_version, "nvmlSystemGetDriverVersion");
  find(count, "nvmlDeviceGetCount_v2");
  find(handle, "nvmlDeviceGetHandleByIndex_v2");
  find(name, "nvmlDeviceGetName");
  find(uuid, "nvmlDeviceGetUUID");
  find(utilization, "nvmlDeviceGetUtilizationRates");
  find(memory, "nvmlDeviceGetMemoryInfo");
  find(memory_v2, "nvmlDeviceGetMemoryInfo_v2");
  find(power, "nvmlDeviceGetPowerUsage");
  find(power_limit, "nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit");
  find(power_default_limit, "nvmlDeviceGetPowerManagementDefaultLimit");
  find(energy, "nvmlDeviceGetTotalEnergyConsumption");
  find(field_values, "nvmlDeviceGetFieldValues");
  find(temperature, "nvmlDeviceGetTemperature");
  find(clock, "nvmlDeviceGetClockInfo");
  find(performance_state, "nvmlDeviceGetPerformanceState");
  find(event_reasons, "nvmlDeviceGetCurrentClocksEventReasons",
       "nvmlDeviceGetCurrentClocksThrottleReasons");
  find(mig_mode, "nvmlDeviceGetMigMode");
  find(mig_count, "nvmlDeviceGetMaxMigDeviceCount");
  find(mig_handle, "nvmlDeviceGetMigDeviceHandleByIndex");
  find(processes, "nvmlDeviceGetComputeRunningProcesses_v3",
       "nvmlDeviceGetComputeRunningProcesses_v2");
  find(processes_v1, "nvmlDeviceGetComputeRunningProcesses");
  find(gpm_support, "nvmlGpmQueryDeviceSupport");
  find(gpm_alloc, "nvmlGpmSampleAlloc");
  find(gpm_free, "nvmlGpmSampleFree");
  find(gpm_sample, "nvmlGpmSampleGet");
  find(gpm_metrics, "nvmlGpmMetricsGet");
}

}  // namespace laptime::agent::nvml
