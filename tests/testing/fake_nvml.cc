// A library that stands for NVIDIA's libnvidia-ml: loaded by the agent's own code, driven by the
// test through laptime_fake_nvml_state. For tests only, and no part of what is installed.
//
// The structures are written a second time here, after nvml.h of CUDA 12.9, so that a wrong layout
// in agent/telemetry shows. LAPTIME_FAKE_NVML_OLD leaves out what drivers before 2021 did not have.
//
// The names are those of nvml.h.
#include "tests/testing/fake_nvml.h"

// NOLINTBEGIN(readability-identifier-naming)
#include <cstddef>
#include <cstring>

namespace {

using laptime::testing::FakeGpuProcess;
using laptime::testing::FakeNvmlState;

enum nvmlReturn_t : int {
  NVML_SUCCESS = 0,
  NVML_ERROR_UNINITIALIZED = 1,
  NVML_ERROR_INVALID_ARGUMENT = 2,
  NVML_ERROR_NOT_SUPPORTED = 3,
  NVML_ERROR_NO_PERMISSION = 4,
  NVML_ERROR_NOT_FOUND = 6,
  NVML_ERROR_INSUFFICIENT_SIZE = 7,
  NVML_ERROR_ARGUMENT_VERSION_MISMATCH = 25,
};

FakeNvmlState state;
int gpu;

nvmlReturn_t Answer(const char* function, const void* device = &gpu) {
  if (state.initialized == 0) return NVML_ERROR_UNINITIALIZED;
  if (device != &gpu) return NVML_ERROR_INVALID_ARGUMENT;
  return state.unsupported.contains(function) ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
}

nvmlReturn_t GiveText(const std::string& value, char* text, unsigned length) {
  if (value.size() + 1 > length) return NVML_ERROR_INSUFFICIENT_SIZE;
  std::memcpy(text, value.c_str(), value.size() + 1);
  return NVML_SUCCESS;
}

template <typename Value>
nvmlReturn_t Give(const char* function, const void* device, Value value, Value* out) {
  const nvmlReturn_t answer = Answer(function, device);
  if (answer == NVML_SUCCESS) *out = value;
  return answer;
}

}  // namespace

extern "C" {

FakeNvmlState* laptime_fake_nvml_state() { return &state; }

nvmlReturn_t nvmlInit_v2() {
  if (state.unsupported.contains(__func__)) return NVML_ERROR_NOT_FOUND;
  ++state.initialized;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlShutdown() {
  if (state.initialized == 0) return NVML_ERROR_UNINITIALIZED;
  --state.initialized;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char* text, unsigned length) {
  const nvmlReturn_t answer = Answer(__func__);
  return answer == NVML_SUCCESS ? GiveText(state.driver, text, length) : answer;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned* count) { return Give(__func__, &gpu, 1U, count); }

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, void** handle) {
  if (index != 0) return NVML_ERROR_INVALID_ARGUMENT;
  return Give<void*>(__func__, &gpu, &gpu, handle);
}

nvmlReturn_t nvmlDeviceGetName(void* device, char* text, unsigned length) {
  const nvmlReturn_t answer = Answer(__func__, device);
  return answer == NVML_SUCCESS ? GiveText("NVIDIA Fake", text, length) : answer;
}

nvmlReturn_t nvmlDeviceGetUUID(void* device, char* text, unsigned length) {
  const nvmlReturn_t answer = Answer(__func__, device);
  return answer == NVML_SUCCESS ? GiveText("GPU-fake", text, length) : answer;
}

struct nvmlUtilization_t {
  unsigned int gpu;
  unsigned int memory;
};
nvmlReturn_t nvmlDeviceGetUtilizationRates(void* device, nvmlUtilization_t* out) {
  return Give(__func__, device, nvmlUtilization_t{state.utilization_percent, 3}, out);
}

struct nvmlMemory_t {
  unsigned long long total, free, used;
};
nvmlReturn_t nvmlDeviceGetMemoryInfo(void* device, nvmlMemory_t* out) {
  const unsigned long long used = state.memory_used + state.memory_reserved;
  return Give(__func__, device, nvmlMemory_t{state.memory_total, state.memory_total - used, used},
              out);
}

nvmlReturn_t nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  return Give(__func__, device, state.power_milliwatts, milliwatts);
}

nvmlReturn_t nvmlDeviceGetPowerManagementLimit(void* device, unsigned* milliwatts) {
  return Give(__func__, device, state.power_limit_milliwatts, milliwatts);
}

nvmlReturn_t nvmlDeviceGetTemperature(void* device, int sensor, unsigned* celsius) {
  if (sensor != 0) return NVML_ERROR_INVALID_ARGUMENT;  // NVML_TEMPERATURE_GPU
  return Give(__func__, device, state.temperature, celsius);
}

nvmlReturn_t nvmlDeviceGetClockInfo(void* device, int type, unsigned* megahertz) {
  if (type != 1 && type != 2) return NVML_ERROR_INVALID_ARGUMENT;  // NVML_CLOCK_SM, NVML_CLOCK_MEM
  return Give(__func__, device, type == 1 ? state.sm_clock : state.memory_clock, megahertz);
}

nvmlReturn_t nvmlDeviceGetPerformanceState(void* device, unsigned* out) {
  return Give(__func__, device, state.performance_state, out);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* out) {
  return Give(__func__, device, state.event_reasons, out);
}

struct nvmlProcessInfo_v1_t {
  unsigned int pid;
  unsigned long long usedGpuMemory;
};
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(void* device, unsigned* count,
                                                  nvmlProcessInfo_v1_t* out) {
  const nvmlReturn_t answer = Answer(__func__, device);
  if (answer != NVML_SUCCESS) return answer;
  if (*count < state.processes.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
  *count = 0;
  for (const FakeGpuProcess& process : state.processes) out[(*count)++] = {process.pid, 1 << 20};
  return NVML_SUCCESS;
}

#ifndef LAPTIME_FAKE_NVML_OLD

static int instance_handles[8];

struct nvmlMemory_v2_t {
  unsigned int version;
  unsigned long long total, reserved, free, used;
};
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(void* device, nvmlMemory_v2_t* out) {
  if (out->version != (sizeof(nvmlMemory_v2_t) | 2U << 24U))
    return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  const unsigned long long free = state.memory_total - state.memory_reserved - state.memory_used;
  return Give(__func__, device,
              nvmlMemory_v2_t{out->version, state.memory_total, state.memory_reserved, free,
                              state.memory_used},
              out);
}

nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(void* device, unsigned* milliwatts) {
  return Give(__func__, device, state.power_default_limit_milliwatts, milliwatts);
}

nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(void* device, unsigned* milliwatts) {
  return Give(__func__, device, state.power_limit_milliwatts, milliwatts);
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  return Give(__func__, device, state.energy_millijoules, millijoules);
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(void* device, unsigned long long* out) {
  ++state.event_reasons_asked;
  return Give(__func__, device, state.event_reasons, out);
}

union nvmlValue_t {
  double dVal;
  unsigned int uiVal;
  unsigned long long ullVal;
};
struct nvmlFieldValue_t {
  unsigned int fieldId;
  unsigned int scopeId;
  long long timestamp;
  long long latencyUsec;
  int valueType;
  nvmlReturn_t nvmlReturn;
  nvmlValue_t value;
};
nvmlReturn_t nvmlDeviceGetFieldValues(void* device, int count, nvmlFieldValue_t* values) {
  const nvmlReturn_t answer = Answer(__func__, device);
  if (answer != NVML_SUCCESS) return answer;
  for (int i = 0; i < count; ++i) {
    const auto found = state.field_milliwatts.find(values[i].fieldId);
    const bool known = found != state.field_milliwatts.end();
    values[i].nvmlReturn = known ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
    values[i].value.ullVal = 0xDEADBEEFDEADBEEF;
    if (known) values[i].value.uiVal = found->second;
  }
  return NVML_SUCCESS;
}

struct nvmlProcessInfo_t {
  unsigned int pid;
  unsigned long long usedGpuMemory;
  unsigned int gpuInstanceId;
  unsigned int computeInstanceId;
};
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count,
                                                     nvmlProcessInfo_t* out) {
  const std::vector<FakeGpuProcess>* listed = &state.processes;
  for (size_t i = 0; i < state.instances.size(); ++i) {
    if (device == &instance_handles[i]) listed = &state.instances[i];
  }
  if (listed == &state.processes) {
    const nvmlReturn_t answer = Answer(__func__, device);
    if (answer != NVML_SUCCESS) return answer;
    if (state.mig && listed->empty()) return NVML_ERROR_NO_PERMISSION;
  }
  if (*count < listed->size()) return NVML_ERROR_INSUFFICIENT_SIZE;
  *count = 0;
  for (const FakeGpuProcess& process : *listed)
    out[(*count)++] = {process.pid, 1 << 20, process.gpu_instance, 0};
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlDeviceGetMigMode(void* device, unsigned* current, unsigned* pending) {
  *pending = 0;
  return Give(__func__, device, state.mig ? 1U : 0U, current);
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(void* device, unsigned* count) {
  return Give(__func__, device, 7U, count);
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(void* device, unsigned index, void** handle) {
  if (index >= state.instances.size()) return NVML_ERROR_NOT_FOUND;
  return Give<void*>(__func__, device, &instance_handles[index], handle);
}

struct nvmlGpmSupport_t {
  unsigned int version;
  unsigned int isSupportedDevice;
};
nvmlReturn_t nvmlGpmQueryDeviceSupport(void* device, nvmlGpmSupport_t* out) {
  if (out->version != 1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  return Give(__func__, device, nvmlGpmSupport_t{1, state.gpm ? 1U : 0U}, out);
}

struct nvmlGpmSample_st {
  int number;
};
nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_st** sample) {
  *sample = new nvmlGpmSample_st{0};
  ++state.gpm_samples_alive;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_st* sample) {
  delete sample;
  --state.gpm_samples_alive;
  return NVML_SUCCESS;
}

nvmlReturn_t nvmlGpmSampleGet(void* device, nvmlGpmSample_st* sample) {
  return Give(__func__, device, ++state.gpm_sample_number, &sample->number);
}

struct nvmlGpmMetric_t {
  unsigned int metricId;
  nvmlReturn_t nvmlReturn;
  double value;
  struct {
    char* shortName;
    char* longName;
    char* unit;
  } metricInfo;
};
struct nvmlGpmMetricsGet_t {
  unsigned int version;
  unsigned int numMetrics;
  nvmlGpmSample_st* sample1;
  nvmlGpmSample_st* sample2;
  nvmlGpmMetric_t metrics[210];
};
nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t* get) {
  if (get->version != 1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  // The second must be the newest, the first the one before.
  if (get->sample2->number != state.gpm_sample_number ||
      get->sample1->number != state.gpm_sample_number - 1)
    return NVML_ERROR_INVALID_ARGUMENT;
  for (unsigned i = 0; i < get->numMetrics; ++i) {
    const auto found = state.gpm_metrics.find(get->metrics[i].metricId);
    const bool known = found != state.gpm_metrics.end();
    get->metrics[i].nvmlReturn = known ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
    if (known) get->metrics[i].value = found->second;
  }
  return NVML_SUCCESS;
}

#endif

}  // extern "C"
// NOLINTEND(readability-identifier-naming)
