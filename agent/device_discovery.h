#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/host_facts.h"
#include "agent/telemetry/nvml.h"
#include "laptime/v1/common.pb.h"

namespace laptime::agent {

// A device of the configuration: [[device]] name="cpu-1t" kind="cpu" threads=1.
struct ConfiguredDevice {
  std::string name;
  v1::DeviceKind kind = v1::DEVICE_KIND_CPU;
  std::optional<int> threads;
  int index = 0;  // which GPU, for kind "cuda"
};

// A device that this agent offers.
struct OfferedDevice {
  v1::Device device;           // id and host are the coordinator's to fill in
  std::optional<GpuInfo> gpu;  // of an NVIDIA device
};

// `cpu`, `cuda:N` for each GPU, `mps` when there is one, then those of the configuration.
// kInvalidArgument with a hint: two of one name, or a configured one that this machine does not
// have.
absl::StatusOr<std::vector<OfferedDevice>> DiscoverDevices(
    const HostFacts& facts, const std::vector<GpuInfo>& gpus, bool has_mps,
    const std::vector<ConfiguredDevice>& configured);

// Those of this machine, as the environment shows them. `nvml` may be nullptr.
absl::StatusOr<std::vector<OfferedDevice>> DiscoverHere(
    const HostFacts& facts, const Nvml* nvml, const std::vector<ConfiguredDevice>& configured);

// Whether this build is for a Mac with Apple silicon.
constexpr bool HasMps() {
#if defined(__APPLE__) && defined(__aarch64__)
  return true;
#else
  return false;
#endif
}

}  // namespace laptime::agent
