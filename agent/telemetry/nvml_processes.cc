#include "agent/telemetry/nvml_processes.h"

#include <algorithm>
#include <vector>

namespace laptime::agent {
namespace {

// More than any GPU has seen; a driver that asks for more is not believed.
constexpr size_t kMostProcesses = 4096;

// Calls with a longer list until all fit.
template <typename Entry>
std::optional<std::vector<Entry>> List(nvml::Result (*call)(nvml::Device, unsigned*, Entry*),
                                       nvml::Device gpu) {
  if (call == nullptr) return std::nullopt;
  for (size_t room = 64; room <= kMostProcesses; room *= 4) {
    std::vector<Entry> entries(room);
    auto count = static_cast<unsigned>(room);
    const nvml::Result result = call(gpu, &count, entries.data());
    if (result == nvml::kInsufficientSize) continue;
    if (result != nvml::kSuccess || count > room) return std::nullopt;
    entries.resize(count);
    return entries;
  }
  return std::nullopt;
}

std::optional<std::vector<nvml::Process>> Processes(const nvml::Api& api, nvml::Device gpu) {
  if (api.processes != nullptr) return List(api.processes, gpu);
  const auto listed = List(api.processes_v1, gpu);
  if (!listed) return std::nullopt;
  std::vector<nvml::Process> processes;
  for (const nvml::ProcessV1& process : *listed) {
    processes.push_back({process.pid, process.used_memory, nvml::kNoInstance, nvml::kNoInstance});
  }
  return processes;
}

std::optional<bool> Foreign(const std::vector<nvml::Process>& processes, const RunProcesses& run) {
  const auto ours = [&run](const nvml::Process& process) {
    return run.Owns(static_cast<pid_t>(process.pid));
  };
  const auto own = std::ranges::find_if(processes, ours);
  if (own == processes.end()) return std::nullopt;
  return std::ranges::any_of(processes, [&](const nvml::Process& process) {
    return process.gpu_instance == own->gpu_instance && !ours(process);
  });
}

}  // namespace

std::optional<bool> ForeignProcessOn(const NvmlDevice& device, const RunProcesses& run) {
  const nvml::Api& api = device.api();
  if (device.handle() == nullptr) return std::nullopt;
  if (const auto processes = Processes(api, device.handle())) {
    if (const auto foreign = Foreign(*processes, run)) return foreign;
  }
  // The whole's list needs privileges where it is split; each instance has its own.
  unsigned instances = 0;
  if (!device.mig() || api.mig_count == nullptr || api.mig_handle == nullptr ||
      api.mig_count(device.handle(), &instances) != nvml::kSuccess) {
    return std::nullopt;
  }
  for (unsigned i = 0; i < instances; ++i) {
    nvml::Device instance = nullptr;
    if (api.mig_handle(device.handle(), i, &instance) != nvml::kSuccess) continue;
    const auto processes = Processes(api, instance);
    if (!processes) continue;
    if (const auto foreign = Foreign(*processes, run)) return foreign;
  }
  return std::nullopt;
}

}  // namespace laptime::agent
