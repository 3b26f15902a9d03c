#include "client/device_view.h"

#include <map>
#include <vector>

#include "client/columns.h"

namespace laptime::client {
namespace {

using v1::Device;

std::string LabelsOf(const Device& device) {
  const std::map<std::string, std::string> sorted(device.labels().begin(), device.labels().end());
  std::string text;
  for (const auto& [name, value] : sorted) text += (text.empty() ? "" : " ") + name + "=" + value;
  return text;
}

Style StyleOf(const Device& device) {
  if (device.state() == v1::DEVICE_STATE_AWAY) return Style::kDim;
  if (device.state() == v1::DEVICE_STATE_DRAINED) return Style::kWarning;
  return device.state() == v1::DEVICE_STATE_IDLE ? Style::kGood : Style::kPlain;
}

std::vector<Column<Device>> DeviceColumns() {
  constexpr Shown kWide = Shown::kWide;
  return {
      TextColumn<Device>("id", "DEVICE", [](const Device& d) { return d.id(); }),
      TextColumn<Device>("kind", "KIND", [](const Device& d) { return Word(d.kind()); }),
      TextColumn<Device>("model", "MODEL", [](const Device& d) { return d.model(); }),
      {{"state", "STATE", false, false},
       [](const Device& d) { return TextCell(Word(d.state()), StyleOf(d)); }},
      {{"health", "HEALTH", false, false},
       [](const Device& d) {
         return TextCell(Word(d.health()),
                         d.health() == v1::DEVICE_HEALTH_FAILING ? Style::kBad : Style::kPlain);
       }},
      TextColumn<Device>("current_run_id", "RUN",
                         [](const Device& d) { return d.current_run_id(); }),
      TextColumn<Device>(
          "host", "HOST", [](const Device& d) { return d.host(); }, kWide),
      TextColumn<Device>(
          "name", "NAME", [](const Device& d) { return d.name(); }, kWide),
      TextColumn<Device>(
          "address", "ADDRESS", [](const Device& d) { return d.address(); }, kWide),
      MeasuredColumn<Device>(
          "threads", "THREADS",
          [](const Device& d) -> std::optional<double> { return LAPTIME_MEASURED(d, threads); },
          Exact, kWide),
      MeasuredColumn<Device>(
          "memory_bytes", "MEMORY",
          [](const Device& d) { return LAPTIME_MEASURED(d, memory_bytes); }, Bytes, kWide),
      TextColumn<Device>("labels", "LABELS", LabelsOf, kWide),
      TimeColumn<Device>(
          "last_seen_unix_ms", "LAST SEEN",
          [](const Device& d) { return LAPTIME_MEASURED(d, last_seen_unix_ms); }, kWide),
  };
}

std::string CoresOf(const v1::Host& host) {
  if (!host.has_logical_cores()) return "";
  const std::string logical = std::to_string(host.logical_cores());
  if (!host.has_physical_cores()) return logical + " logical";
  return std::to_string(host.physical_cores()) + " physical, " + logical + " logical";
}

std::string NoiseFloorOf(const v1::GetDeviceResponse& response) {
  if (!response.has_noise_floor_percent())
    return "not known: laptime submit calibration --device " + response.device().id() +
           " --repeat 6";
  return Significant(response.noise_floor_percent()) + " %, from " +
         std::to_string(response.calibration_runs()) + " calibration runs";
}

}  // namespace

Grid DeviceGrid(const google::protobuf::RepeatedPtrField<Device>& devices) {
  return MakeGrid(DeviceColumns(), devices);
}

Grid DeviceGrid(const Device& device) {
  return MakeGrid(DeviceColumns(), std::vector<Device>{device});
}

std::string DevicePage(const v1::GetDeviceResponse& response) {
  const Device& device = response.device();
  const v1::Host& host = response.host();
  return RenderFacts({
      {"device", device.id()},
      {"kind", Word(device.kind())},
      {"model", device.model()},
      {"state", Word(device.state())},
      {"health", Word(device.health())},
      {"running", device.current_run_id()},
      {"address", device.address()},
      {"threads", device.has_threads() ? std::to_string(device.threads()) : ""},
      {"memory", device.has_memory_bytes() ? Bytes(device.memory_bytes()) : ""},
      {"labels", LabelsOf(device)},
      {"noise floor", NoiseFloorOf(response)},
      {"last seen", device.has_last_seen_unix_ms() ? LocalTime(device.last_seen_unix_ms()) : ""},
      {"host", host.name()},
      {"system", host.os()},
      {"kernel", host.kernel()},
      {"processor", host.cpu_model()},
      {"cores", CoresOf(host)},
      {"host memory", host.has_memory_bytes() ? Bytes(host.memory_bytes()) : ""},
      {"agent", host.agent_version()},
  });
}

}  // namespace laptime::client
