#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace laptime::testing {

struct FakeGpuProcess {
  unsigned pid = 0;
  unsigned gpu_instance = 0xFFFFFFFF;
};

// What the fake NVML library answers: one GPU. The library exports a function that returns the
// state, so that a test that has loaded it changes it. See fake_nvml.cc.
struct FakeNvmlState {
  // Names of functions that answer NOT_SUPPORTED, as nvml.h has them.
  std::set<std::string> unsupported;
  std::string driver = "550.54.15";
  unsigned utilization_percent = 87;
  unsigned long long memory_total = 80ULL << 30, memory_reserved = 1ULL << 30,
                     memory_used = 20ULL << 30;
  unsigned power_milliwatts = 310500, power_limit_milliwatts = 700000,
           power_default_limit_milliwatts = 700000;
  std::map<unsigned, unsigned> field_milliwatts = {{185, 300000}, {186, 320000}};
  unsigned long long energy_millijoules = 5000000;
  unsigned temperature = 61, sm_clock = 1755, memory_clock = 2619, performance_state = 0;
  unsigned long long event_reasons = 0;
  int event_reasons_asked = 0;  // how often
  bool mig = false;
  std::vector<FakeGpuProcess> processes;
  // Of each MIG instance; a device with MIG lists none of its own.
  std::vector<std::vector<FakeGpuProcess>> instances;
  bool gpm = false;
  std::map<unsigned, double> gpm_metrics = {{2, 71.5}, {5, 33.25}, {10, 48}};
  int gpm_samples_alive = 0;  // allocated and not freed
  int gpm_sample_number = 0;  // of the newest
  int initialized = 0;
};

using FakeNvmlStateOf = FakeNvmlState* (*)();
inline constexpr char kFakeNvmlStateOf[] = "laptime_fake_nvml_state";

}  // namespace laptime::testing
