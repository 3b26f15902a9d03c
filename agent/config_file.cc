#include "agent/config_file.h"

#include <toml++/toml.h>

#include "agent/state_dir.h"
#include "proto/support/duration.h"
#include "proto/support/nearest.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kMaxGpus = 64;

absl::Status Refuse(const std::string& file, const toml::source_region& where,
                    const std::string& what, const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument,
                  file + ":" + std::to_string(where.begin.line) + ": " + what, hint);
}

absl::Status RefuseKey(const std::string& file, const toml::key& key,
                       const std::vector<std::string>& known) {
  std::string hint = "keys:";
  for (const std::string& one : known) hint += " " + one;
  const std::string name(key.str());
  if (auto nearest = Nearest(name, known)) hint = "did you mean '" + *nearest + "'? " + hint;
  return Refuse(file, key.source(), "unknown key '" + name + "'", hint);
}

template <typename Value>
absl::Status Take(const std::string& file, const std::string& key, const toml::node& node,
                  std::optional<Value>& into, const std::string& expected) {
  into = node.value_exact<Value>();
  if (into) return absl::OkStatus();
  return Refuse(file, node.source(), key + " has a wrong value", key + " takes " + expected);
}

absl::Status TakeStallTimeout(const std::string& file, const toml::node& node, ConfigFile& config) {
  const auto text = node.value_exact<std::string>();
  if (text) config.stall_timeout = ParseDuration(*text);
  if (config.stall_timeout) return absl::OkStatus();
  return Refuse(file, node.source(), "stall_timeout has a wrong value",
                "stall_timeout takes a duration like \"10m\" or \"90s\"");
}

absl::Status TakeNumber(const std::string& file, const std::string& key, const toml::node& node,
                        int least, int most, std::optional<int>& into) {
  const auto number = node.value_exact<int64_t>();
  if (number && *number >= least && *number <= most) {
    into = static_cast<int>(*number);
    return absl::OkStatus();
  }
  return Refuse(
      file, node.source(), key + " has a wrong value",
      key + " takes an integer from " + std::to_string(least) + " to " + std::to_string(most));
}

absl::Status TakeKind(const std::string& file, const toml::node& node, ConfiguredDevice& device) {
  const std::string kind = node.value_exact<std::string>().value_or("");
  if (kind == "cpu")
    device.kind = v1::DEVICE_KIND_CPU;
  else if (kind == "cuda")
    device.kind = v1::DEVICE_KIND_CUDA;
  else if (kind == "mps")
    device.kind = v1::DEVICE_KIND_MPS;
  else
    return Refuse(file, node.source(), "kind has a wrong value",
                  "kind takes \"cpu\", \"cuda\" or \"mps\"");
  return absl::OkStatus();
}

absl::Status TakeDevice(const std::string& file, const toml::table& table,
                        ConfiguredDevice& device) {
  bool has_kind = false;
  for (const auto& [key, node] : table) {
    if (key == "name") {
      device.name = node.value_exact<std::string>().value_or("");
    } else if (key == "kind") {
      LAPTIME_RETURN_IF_ERROR(TakeKind(file, node, device));
      has_kind = true;
    } else if (key == "threads") {
      LAPTIME_RETURN_IF_ERROR(TakeNumber(file, "threads", node, 1, kMaxThreads, device.threads));
    } else if (key == "index") {
      std::optional<int> index;
      LAPTIME_RETURN_IF_ERROR(TakeNumber(file, "index", node, 0, kMaxGpus - 1, index));
      device.index = index.value_or(0);
    } else {
      return RefuseKey(file, key, {"name", "kind", "threads", "index"});
    }
  }
  if (IsSafeName(device.name) && has_kind) return absl::OkStatus();
  return Refuse(
      file, table.source(), "a [[device]] needs a name and a kind",
      "for example: name=\"cpu-1t\" kind=\"cpu\" threads=1; a name has letters, digits and ._:-");
}

absl::Status TakeDevices(const std::string& file, const toml::node& node, ConfigFile& config) {
  const toml::array* devices = node.as_array();
  if (devices == nullptr || !devices->is_homogeneous(toml::node_type::table)) {
    return Refuse(file, node.source(), "device has a wrong value",
                  "write [[device]] and its keys below");
  }
  for (const toml::node& one : *devices) {
    LAPTIME_RETURN_IF_ERROR(TakeDevice(file, *one.as_table(), config.devices.emplace_back()));
  }
  return absl::OkStatus();
}

absl::Status TakeKey(const std::string& file, const toml::key& key, const toml::node& node,
                     ConfigFile& config) {
  const std::string name(key.str());
  if (name == "server") return Take(file, name, node, config.server, "a text: \"127.0.0.1:7440\"");
  if (name == "name") return Take(file, name, node, config.name, "a text");
  if (name == "state") return Take(file, name, node, config.state, "a directory as text");
  if (name == "data") return Take(file, name, node, config.data, "a directory as text");
  if (name == "run_in_parallel")
    return Take(file, name, node, config.run_in_parallel, "true or false");
  if (name == "stall_timeout") return TakeStallTimeout(file, node, config);
  if (name == "device") return TakeDevices(file, node, config);
  return RefuseKey(
      file, key, {"server", "name", "state", "data", "run_in_parallel", "stall_timeout", "device"});
}

}  // namespace

absl::StatusOr<ConfigFile> ReadConfigFile(const std::filesystem::path& path) {
  const std::string file = path.string();
  try {
    const toml::table table = toml::parse_file(file);
    ConfigFile config;
    for (const auto& [key, node] : table) LAPTIME_RETURN_IF_ERROR(TakeKey(file, key, node, config));
    return config;
  } catch (const toml::parse_error& error) {
    return Refuse(file, error.source(), std::string(error.description()),
                  "see the TOML of agent/README.md");
  }
}

std::optional<std::chrono::milliseconds> ParseDuration(const std::string& text) {
  return laptime::ParseDuration(text, {"ms", "s", "m", "h"});
}

}  // namespace laptime::agent
