#include "agent/device_discovery.h"

#include <algorithm>
#include <cstdlib>

#include "proto/support/status.h"

namespace laptime::agent {
namespace {

OfferedDevice Cpu(const HostFacts& facts) {
  OfferedDevice offered;
  offered.device.set_name("cpu");
  offered.device.set_kind(v1::DEVICE_KIND_CPU);
  offered.device.set_model(facts.host.cpu_model());
  offered.device.set_address("cpu");
  if (facts.host.has_memory_bytes()) offered.device.set_memory_bytes(facts.host.memory_bytes());
  return offered;
}

OfferedDevice Cuda(const GpuInfo& gpu, size_t position) {
  OfferedDevice offered;
  const std::string address = "cuda:" + std::to_string(position);
  offered.device.set_name(address);
  offered.device.set_kind(v1::DEVICE_KIND_CUDA);
  offered.device.set_model(gpu.name);
  offered.device.set_address(address);
  if (gpu.memory_bytes) offered.device.set_memory_bytes(*gpu.memory_bytes);
  offered.gpu = gpu;
  return offered;
}

OfferedDevice Mps(const HostFacts& facts) {
  OfferedDevice offered = Cpu(facts);
  offered.device.set_name("mps");
  offered.device.set_kind(v1::DEVICE_KIND_MPS);
  offered.device.set_address("mps");
  return offered;
}

// The found device that a configured one is another name of.
absl::StatusOr<OfferedDevice> Configure(const ConfiguredDevice& wanted,
                                        const std::vector<OfferedDevice>& found) {
  const std::string address = wanted.kind == v1::DEVICE_KIND_CUDA
                                  ? "cuda:" + std::to_string(wanted.index)
                              : wanted.kind == v1::DEVICE_KIND_MPS ? "mps"
                                                                   : "cpu";
  const auto same = std::ranges::find_if(
      found, [&](const OfferedDevice& offered) { return offered.device.address() == address; });
  if (same == found.end()) {
    return WithHint(
        absl::StatusCode::kInvalidArgument,
        "device '" + wanted.name + "' of the configuration: this machine has no " + address,
        "kind is cpu, cuda (with index) or mps");
  }
  OfferedDevice offered = *same;
  offered.device.set_name(wanted.name);
  if (wanted.threads) offered.device.set_threads(*wanted.threads);
  return offered;
}

}  // namespace

absl::StatusOr<std::vector<OfferedDevice>> DiscoverDevices(
    const HostFacts& facts, const std::vector<GpuInfo>& gpus, bool has_mps,
    const std::vector<ConfiguredDevice>& configured) {
  std::vector<OfferedDevice> devices = {Cpu(facts)};
  for (size_t i = 0; i < gpus.size(); ++i) devices.push_back(Cuda(gpus[i], i));
  if (has_mps) devices.push_back(Mps(facts));
  for (const ConfiguredDevice& wanted : configured) {
    const bool taken = std::ranges::any_of(devices, [&](const OfferedDevice& offered) {
      return offered.device.name() == wanted.name;
    });
    if (taken) {
      return WithHint(absl::StatusCode::kInvalidArgument,
                      "two devices are named '" + wanted.name + "'",
                      "give the [[device]] of the configuration another name");
    }
    auto offered = Configure(wanted, devices);
    if (!offered.ok()) return offered.status();
    devices.push_back(*std::move(offered));
  }
  return devices;
}

absl::StatusOr<std::vector<OfferedDevice>> DiscoverHere(
    const HostFacts& facts, const Nvml* nvml, const std::vector<ConfiguredDevice>& configured) {
  const std::vector<GpuInfo> gpus = nvml == nullptr ? std::vector<GpuInfo>() : nvml->Gpus();
  return DiscoverDevices(facts, VisibleGpus(gpus, std::getenv("CUDA_VISIBLE_DEVICES")), HasMps(),
                         configured);
}

}  // namespace laptime::agent
