#include "agent/trainer/probe/probe_command.h"

#include <ATen/Parallel.h>

#include <chrono>

#include "agent/trainer/cpu_topology.h"
#include "agent/trainer/device.h"
#include "agent/trainer/event_writer.h"
#include "agent/trainer/events.h"
#include "agent/trainer/log.h"
#include "agent/trainer/parent_watch.h"
#include "agent/trainer/probe/capabilities.h"
#include "agent/trainer/probe/peak_rates.h"
#include "agent/trainer/process_setup.h"
#include "agent/trainer/run_to_end.h"
#include "agent/trainer/versions.h"

namespace laptime::trainer {
namespace {

// Rates first: they are soon done, and what the rest is compared with.
nlohmann::json Probe(const ProbeOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto seconds = [start] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  at::set_num_threads(options.threads.value_or(UsableCores()));
  const Device device = Device::Open(options.device);
  Log("probing " + device.name() + " (" + device.model() + ")");
  nlohmann::json rates = nlohmann::json::array();
  MeasurePeakRates(device, [&](const PeakRate& rate) {
    Log(ToText(rate));
    rates.push_back(ToJson(rate));
  });
  nlohmann::json capabilities = nlohmann::json::array();
  MeasureCapabilities(
      device, [&] { return seconds() < std::chrono::duration<double>(kProbeTime).count(); },
      [&](const Capability& cell) {
        Log(ToText(cell));
        capabilities.push_back(ToJson(cell));
      });
  return {{"device", device.name()},
          {"device_model", device.model()},
          {"threads", at::get_num_threads()},
          {"versions", Versions(device)},
          {"rates", rates},
          {"capabilities", capabilities},
          {"seconds", seconds()}};
}

}  // namespace

int RunProbeCommand(const ProbeOptions& options) {
  EventWriter events(TakeStandardOutput());
  const ParentWatch parent_watch(options.parent_pid, options.parent_pipe);
  const auto failure =
      RunToEnd(options.device, [&] { events.Write("probe_result", Probe(options)); });
  if (!failure.has_value()) return 0;
  Tell(*failure);
  events.Write("failed", ToJson(failure->cause, failure->message, failure->hint));
  return failure->exit_code;
}

}  // namespace laptime::trainer
