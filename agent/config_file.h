#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/device_discovery.h"

namespace laptime::agent {

// What agent.toml may say; what it does not say is absent.
struct ConfigFile {
  std::optional<std::string> server;
  std::optional<std::string> name;
  std::optional<std::string> state;
  std::optional<std::string> data;
  std::optional<bool> run_in_parallel;
  std::optional<std::chrono::milliseconds> stall_timeout;
  std::vector<ConfiguredDevice> devices;
};

// kInvalidArgument with a hint: "FILE:LINE: what is wrong", for syntax, unknown keys (the nearest
// is named), wrong types and impossible values.
absl::StatusOr<ConfigFile> ReadConfigFile(const std::filesystem::path& path);

// "90s", "10m", "2h" or "500ms"; nullopt when it is none of these or not positive.
std::optional<std::chrono::milliseconds> ParseDuration(const std::string& text);

}  // namespace laptime::agent
