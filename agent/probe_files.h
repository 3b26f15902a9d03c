#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "laptime/v1/agent.pb.h"

namespace laptime::agent {

// In the state directory.
inline constexpr char kProbeDirectory[] = "probes";

// What this machine's devices can do, as last probed: STATE/probes/DEVICE.json. `laptime-agent
// probe` writes it, the agent that runs on the same state directory reads it. Not thread-safe.
class ProbeFiles {
 public:
  explicit ProbeFiles(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Replaces the device's file, whole or not at all. `basis`: what the result depends on.
  absl::Status Write(const v1::DeviceProbe& probe, const std::string& basis) const;

  // That of the device's last probe; empty when there was none.
  std::string Basis(const std::string& device) const;

  // Those that have come or changed since the last call; what cannot be read is told to the log,
  // once, and left out.
  std::vector<v1::DeviceProbe> TakeNew();

  // From now on all are new again.
  void Forget() { taken_.clear(); }

 private:
  const std::filesystem::path directory_;
  std::map<std::filesystem::path, std::filesystem::file_time_type> taken_;
};

}  // namespace laptime::agent
