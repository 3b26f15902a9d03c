#include "agent/snapshot.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "proto/support/channel.h"

namespace laptime::agent {
namespace {

using nlohmann::json;

json HostJson(const HostFacts& facts) {
  const v1::Host& host = facts.host;
  json out = {{"os", host.os()}, {"kernel", host.kernel()}, {"cpu_model", host.cpu_model()}};
  if (host.has_physical_cores()) out["physical_cores"] = host.physical_cores();
  if (host.has_logical_cores()) out["logical_cores"] = host.logical_cores();
  if (host.has_memory_bytes()) out["memory_bytes"] = host.memory_bytes();
  if (facts.cpu_quota > 0) out["cpu_quota"] = facts.cpu_quota;
  return out;
}

json DeviceJson(const SnapshotFacts& facts) {
  const v1::Device& device = facts.device.device;
  json out = {{"name", device.name()},
              {"kind", v1::DeviceKind_Name(device.kind())},
              {"model", device.model()},
              {"address", device.address()}};
  if (device.has_threads()) out["threads"] = device.threads();
  if (device.has_memory_bytes()) out["memory_bytes"] = device.memory_bytes();
  if (facts.device.gpu) out["uuid"] = facts.device.gpu->uuid;
  if (facts.gpu_limit_watts) out["power_limit_watts"] = *facts.gpu_limit_watts;
  if (facts.gpu_default_limit_watts)
    out["power_default_limit_watts"] = *facts.gpu_default_limit_watts;
  return out;
}

json DatasetJson(const SnapshotFacts& facts) {
  if (!facts.files) return {{"name", facts.dataset}};
  return {{"name", facts.files->Name()},
          {"sha256", facts.files->sha256},
          {"official", facts.files->official}};
}

json TrainerJson(const v1::TrainerStarted& started) {
  json modules = json::array();
  for (const v1::ModuleFact& module : started.modules()) {
    modules.push_back(
        {{"name", module.name()}, {"type", module.type()}, {"parameters", module.parameters()}});
  }
  json out = {{"device", started.device()},
              {"device_model", started.device_model()},
              {"modules", modules},
              {"trainable_parameters", started.trainable_parameters()},
              {"model_megabytes", started.model_megabytes()},
              {"accelerators", json::array()},
              {"versions", json::object()},
              {"flags", json::object()}};
  for (const std::string& accelerator : started.accelerators())
    out["accelerators"].push_back(accelerator);
  for (const auto& [name, version] : started.versions()) out["versions"][name] = version;
  for (const auto& [name, flag] : started.flags()) out["flags"][name] = flag;
  return out;
}

// What decides about power and clocks: governor, source, …, and what part of its default limit the
// GPU may draw: two models have other watts, but both have all of them unless somebody took some.
json PowerJson(const SnapshotFacts& facts) {
  json out = json::object();
  for (const auto& [name, value] : facts.power) out[name] = value;
  if (facts.gpu_limit_watts && facts.gpu_default_limit_watts.value_or(0) > 0) {
    out["gpu_limit_of_default"] =
        std::round(*facts.gpu_limit_watts / *facts.gpu_default_limit_watts * 1000) / 1000;
  }
  return out;
}

// Sensor → source; the definitions lie with the samples.
json TelemetryJson(const std::vector<v1::Sensor>& sensors) {
  json out = json::object();
  for (const v1::Sensor& sensor : sensors) out[sensor.name()] = sensor.source();
  return out;
}

}  // namespace

std::string SnapshotJson(const SnapshotFacts& facts, const v1::TrainerStarted& started) {
  json snapshot = {{"agent_version", kVersion},
                   {"host", HostJson(facts.host)},
                   {"device", DeviceJson(facts)},
                   {"dataset", DatasetJson(facts)},
                   {"trainer", TrainerJson(started)},
                   {"telemetry", TelemetryJson(facts.sensors)},
                   {"run_in_parallel", facts.run_in_parallel}};
  if (json power = PowerJson(facts); !power.empty()) snapshot["power"] = std::move(power);
  if (!facts.nvidia_driver.empty()) snapshot["driver"] = {{"nvidia", facts.nvidia_driver}};
  // Names come from drivers and files: what is no UTF-8 must not throw.
  return snapshot.dump(-1, ' ', /*ensure_ascii=*/false, json::error_handler_t::replace);
}

}  // namespace laptime::agent
