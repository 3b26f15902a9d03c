#include "agent/probe_command.h"

#include <cstdio>
#include <string>
#include <vector>

#include "agent/device_discovery.h"
#include "agent/device_probe.h"
#include "agent/host_facts.h"
#include "agent/machine_lock.h"
#include "agent/probe_files.h"
#include "agent/telemetry/nvml.h"
#include "agent/trainer_spec.h"
#include "proto/support/clock.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

absl::StatusOr<std::vector<OfferedDevice>> Chosen(const std::vector<OfferedDevice>& devices,
                                                  const std::string& name) {
  if (name.empty()) return devices;
  std::string names;
  for (const OfferedDevice& offered : devices) {
    if (offered.device.name() == name) return std::vector{offered};
    names += (names.empty() ? "" : ", ") + offered.device.name();
  }
  return WithHint(absl::StatusCode::kNotFound, "this machine has no device '" + name + "'",
                  "--device takes " + names);
}

}  // namespace

absl::Status RunProbe(const ProbeOptions& options) {
  const std::unique_ptr<Nvml> nvml = Nvml::Load();
  const HostFacts host = ReadHostFacts("/");
  auto devices = DiscoverHere(host, nvml.get(), options.devices);
  if (!devices.ok()) return devices.status();
  auto chosen = Chosen(*devices, options.device);
  if (!chosen.ok()) return chosen.status();
  auto lock = MachineLock::Open(options.machine_lock);
  if (!lock.ok()) return lock.status();
  if (!lock->TryLock(MachineLock::Mode::kAlone)) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "a run is under way on this machine, and would be measured too",
                    "try again when it has ended");
  }
  const ProbeFiles files(options.state_dir / kProbeDirectory);
  const SystemClock clock;
  const ProbeContext context{FindTrainer(), host, nvml.get(), clock};
  for (const OfferedDevice& offered : *chosen) {
    const std::string basis = ProbeBasis(context, offered);
    auto measured = ProbeDevice(context, offered);
    if (!measured.ok()) return measured.status();
    if (!measured->disturbed_by.empty()) {
      std::fprintf(stderr, "note: %s: %s meanwhile; probe again when the machine is quiet\n",
                   offered.device.name().c_str(), measured->disturbed_by.c_str());
    }
    LAPTIME_RETURN_IF_ERROR(files.Write(measured->probe, basis));
  }
  std::printf(
      "probed %zu device%s; `laptime device capabilities` shows it once an agent on %s is "
      "attached\n",
      chosen->size(), chosen->size() == 1 ? "" : "s", options.state_dir.c_str());
  return absl::OkStatus();
}

}  // namespace laptime::agent
