#include "agent/telemetry_sources.h"

#include "agent/telemetry/host_states.h"
#include "agent/telemetry/nvml_telemetry.h"
#ifdef __APPLE__
#include "agent/telemetry/io_report.h"
#include "agent/telemetry/mach_telemetry.h"
#else
#include "agent/telemetry/cgroup.h"
#include "agent/telemetry/cpu_frequency.h"
#include "agent/telemetry/proc_cpu.h"
#include "agent/telemetry/proc_memory.h"
#include "agent/telemetry/rapl.h"
#include "agent/telemetry/thermal_zones.h"
#endif

namespace laptime::agent {
namespace {

using Sources = std::vector<std::unique_ptr<Telemetry>>;

#ifdef __APPLE__
void OpenHost(const v1::Device& device, const HostFacts& /*facts*/, RunProcesses& run,
              Sources& sources) {
  std::optional<int> threads;
  if (device.kind() == v1::DEVICE_KIND_CPU) threads = device.threads();
  sources.push_back(std::make_unique<MachTelemetry>(threads, run));
  if (device.kind() == v1::DEVICE_KIND_MPS) {
    if (auto gpu = OpenIoRegistryTelemetry()) sources.push_back(std::move(gpu));
  }
  if (auto energy = OpenIoReport(device.kind())) sources.push_back(std::move(energy));
}
#else
void OpenHost(const v1::Device& device, const HostFacts& facts, RunProcesses& run,
              Sources& sources) {
  const std::filesystem::path root = "/";
  const bool cpu_device = device.kind() == v1::DEVICE_KIND_CPU;
  ProcCpuOptions options;
  options.cpus = facts.allowed_cpus;
  options.cpu_quota = facts.cpu_quota;
  if (cpu_device) options.device_threads = device.threads();
  sources.push_back(std::make_unique<ProcCpu>(options, run));
  sources.push_back(std::make_unique<ProcMemory>(root));
  sources.push_back(std::make_unique<CpuFrequency>(root, facts.allowed_cpus));
  sources.push_back(std::make_unique<ThermalZones>(root, facts.allowed_cpus, cpu_device));
  sources.push_back(std::make_unique<Rapl>(root, cpu_device));
  sources.push_back(std::make_unique<CgroupTelemetry>(root));
}
#endif

}  // namespace

Sources OpenTelemetry(const OfferedDevice& device, const HostFacts& facts, const Nvml* nvml,
                      RunProcesses& run) {
  Sources sources;
  OpenHost(device.device, facts, run, sources);
  sources.push_back(OpenHostStates("/"));
  if (device.gpu && nvml != nullptr) {
    sources.push_back(std::make_unique<NvmlTelemetry>(*nvml, device.gpu->nvml_index, run));
  }
  return sources;
}

}  // namespace laptime::agent
