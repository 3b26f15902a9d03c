#include "agent/telemetry_sources.h"

#include "agent/telemetry/nvml_telemetry.h"
#ifdef __APPLE__
#include "agent/telemetry/mach_telemetry.h"
#else
#include "agent/telemetry/proc_telemetry.h"
#endif

namespace laptime::agent {
namespace {

std::unique_ptr<Telemetry> OpenHostTelemetry(const HostFacts& facts,
                                             std::optional<int> device_threads) {
#ifdef __APPLE__
  return std::make_unique<MachTelemetry>(device_threads);
#else
  ProcTelemetryOptions options;
  options.cpus = facts.allowed_cpus;
  options.cpu_quota = facts.cpu_quota;
  options.device_threads = device_threads;
  return std::make_unique<ProcTelemetry>(options);
#endif
}

}  // namespace

std::vector<std::unique_ptr<Telemetry>> OpenTelemetry(const OfferedDevice& device,
                                                      const HostFacts& facts, const Nvml* nvml) {
  std::optional<int> threads;
  if (device.device.kind() == v1::DEVICE_KIND_CPU) threads = device.device.threads();
  std::vector<std::unique_ptr<Telemetry>> sources;
  sources.push_back(OpenHostTelemetry(facts, threads));
  if (device.gpu && nvml != nullptr) {
    sources.push_back(std::make_unique<NvmlTelemetry>(*nvml, device.gpu->nvml_index));
  }
#ifdef __APPLE__
  if (device.device.kind() == v1::DEVICE_KIND_MPS) {
    if (auto gpu = OpenIoRegistryTelemetry()) sources.push_back(std::move(gpu));
  }
#endif
  return sources;
}

}  // namespace laptime::agent
