#pragma once

#include <cstddef>
#include <cstdint>

// The part of NVIDIA's nvml.h that is used here, written after the header of CUDA 12.9 (package
// nvidia-nvml-dev-cu12). The interface is stable: a function with a changed meaning gets a new name
// (_v2), and a structure that may grow carries its version.
namespace laptime::agent::nvml {

using Result = int;
inline constexpr Result kSuccess = 0;
inline constexpr Result kInsufficientSize = 7;  // NVML_ERROR_INSUFFICIENT_SIZE

using Device = void*;
using GpmSample = void*;

struct Memory {
  unsigned long long total, free, used;  // used: the reserved part included
};

struct MemoryV2 {
  unsigned version;
  unsigned long long total, reserved, free, used;  // used: without the reserved part
};
inline constexpr unsigned kMemoryV2 =
    sizeof(MemoryV2) | 2U << 24;  // NVML_STRUCT_VERSION(Memory, 2)
static_assert(kMemoryV2 == 33554472);

struct Utilization {
  unsigned gpu, memory;  // percent
};

struct ProcessV1 {
  unsigned pid;
  unsigned long long used_memory;
};
static_assert(sizeof(ProcessV1) == 16);

// nvmlProcessInfo_t of the functions _v2 and _v3.
struct Process {
  unsigned pid;
  unsigned long long used_memory;
  unsigned gpu_instance, compute_instance;  // kNoInstance without MIG
};
static_assert(sizeof(Process) == 24 && offsetof(Process, gpu_instance) == 16);
inline constexpr unsigned kNoInstance = 0xFFFFFFFF;

union Value {
  double as_double;
  int as_int;
  unsigned as_unsigned;
  unsigned long as_unsigned_long;
  unsigned long long as_unsigned_long_long;
  long long as_long_long;
};

struct FieldValue {
  unsigned field;
  unsigned scope;
  long long timestamp_us;
  long long latency_us;
  unsigned value_type;
  Result result;  // of this field
  Value value;
};
static_assert(sizeof(FieldValue) == 40 && offsetof(FieldValue, value) == 32);
inline constexpr unsigned kPowerAverage = 185;  // NVML_FI_DEV_POWER_AVERAGE, milliwatts over 1 s
inline constexpr unsigned kPowerInstant = 186;  // NVML_FI_DEV_POWER_INSTANT, milliwatts

struct GpmMetric {
  unsigned id;
  Result result;  // of this metric
  double value;
  const char *short_name, *long_name, *unit;
};
static_assert(sizeof(GpmMetric) == 40);
inline constexpr unsigned kGpmSmUtilization = 2;      // percent of the SMs that were busy
inline constexpr unsigned kGpmTensorUtilization = 5;  // percent of time in any tensor operation
inline constexpr unsigned kGpmDramUtilization = 10;   // percent of the memory's bandwidth

// NVML_GPM_METRIC_MAX grows with the header (98, 210, 333, …); the library reads the first
// `count` entries, so a longer array does no harm and a shorter one neither.
struct GpmMetricsGet {
  unsigned version;
  unsigned count;
  GpmSample sample1, sample2;
  GpmMetric metrics[210];
};
static_assert(sizeof(GpmMetricsGet) == 8424 && offsetof(GpmMetricsGet, metrics) == 24);
inline constexpr unsigned kGpmMetricsGetVersion = 1;

struct GpmSupport {
  unsigned version;
  unsigned supported;
};
inline constexpr unsigned kGpmSupportVersion = 1;

inline constexpr unsigned kTemperatureGpu = 0;
inline constexpr unsigned kClockSm = 1;
inline constexpr unsigned kClockMemory = 2;
inline constexpr unsigned kMigEnabled = 1;
inline constexpr unsigned kTextLength = 96;

// nvmlClocksEventReason…: bits of nvmlDeviceGetCurrentClocksEventReasons.
inline constexpr uint64_t kSwPowerCap = 0x4;
inline constexpr uint64_t kHwSlowdown = 0x8;
inline constexpr uint64_t kSyncBoost = 0x10;
inline constexpr uint64_t kSwThermalSlowdown = 0x20;
inline constexpr uint64_t kHwThermalSlowdown = 0x40;
inline constexpr uint64_t kHwPowerBrakeSlowdown = 0x80;
inline constexpr uint64_t kDisplayClockSetting = 0x100;

// The functions, found by name in the library; those that it lacks are null.
struct Api {
  explicit Api(void* library);

  Result (*init)();
  Result (*shutdown)();
  Result (*driver_version)(char*, unsigned);
  Result (*count)(unsigned*);
  Result (*handle)(unsigned, Device*);
  Result (*name)(Device, char*, unsigned);
  Result (*uuid)(Device, char*, unsigned);
  Result (*utilization)(Device, Utilization*);
  Result (*memory)(Device, Memory*);
  Result (*memory_v2)(Device, MemoryV2*);
  Result (*power)(Device, unsigned*);
  Result (*power_limit)(Device, unsigned*);
  Result (*power_default_limit)(Device, unsigned*);
  Result (*energy)(Device, unsigned long long*);
  Result (*field_values)(Device, int, FieldValue*);
  Result (*temperature)(Device, unsigned, unsigned*);
  Result (*clock)(Device, unsigned, unsigned*);
  Result (*performance_state)(Device, unsigned*);
  Result (*event_reasons)(Device, unsigned long long*);  // or by the older name, throttle reasons
  Result (*mig_mode)(Device, unsigned*, unsigned*);
  Result (*mig_count)(Device, unsigned*);
  Result (*mig_handle)(Device, unsigned, Device*);
  Result (*processes)(Device, unsigned*, Process*);  // _v3, or _v2
  Result (*processes_v1)(Device, unsigned*, ProcessV1*);
  Result (*gpm_support)(Device, GpmSupport*);
  Result (*gpm_alloc)(GpmSample*);
  Result (*gpm_free)(GpmSample);
  Result (*gpm_sample)(Device, GpmSample);
  Result (*gpm_metrics)(GpmMetricsGet*);
};

}  // namespace laptime::agent::nvml
