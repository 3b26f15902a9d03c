#include "agent/probe_command.h"

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "agent/attempt_end.h"
#include "agent/child_process.h"
#include "agent/device_discovery.h"
#include "agent/host_facts.h"
#include "agent/machine_lock.h"
#include "agent/probe_files.h"
#include "agent/snapshot.h"
#include "agent/telemetry/nvml.h"
#include "agent/trainer/contract.h"
#include "agent/trainer_events.h"
#include "agent/trainer_spec.h"
#include "proto/support/clock.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr std::chrono::seconds kPoll{1};

absl::Status Refuse(const v1::Device& device, const std::string& why, const std::string& hint) {
  return WithHint(absl::StatusCode::kInternal, "probing " + device.name() + " failed: " + why,
                  hint);
}

// The trainer's words go on to standard error as they come.
absl::StatusOr<v1::ProbeResult> Probe(const v1::Device& device) {
  auto child = ChildProcess::Spawn(TrainerSpec(FindTrainer(), trainer::kCommandProbe, device));
  if (!child.ok()) return child.status();
  LineReader lines;
  v1::TrainerEvent last;
  for (bool ended = false; !ended;) {
    const ChildProcess::Output output = (*child)->Wait(/*wake_fd=*/-1, kPoll);
    ended = output.ended;
    std::fputs(output.err.c_str(), stderr);
    auto complete = lines.Append(output.out);
    if (!complete.ok()) return complete.status();
    for (const std::string& line : *complete) {
      auto event = ParseTrainerEvent(line);
      if (!event.ok()) return Refuse(device, MessageOf(event.status()), "");
      last = *std::move(event);
    }
  }
  const ChildExit exit = (*child)->Reap();
  if (last.has_failed()) return Refuse(device, last.failed().message(), last.failed().hint());
  if (exit.code != 0 || !last.has_probe_result())
    return Refuse(device, "the trainer ended with " + Describe(exit), "its words are above");
  return last.probe_result();
}

// As of a run, but for data set, flags and telemetry.
std::string SnapshotOf(const HostFacts& host, const OfferedDevice& device, const Nvml* nvml,
                       const v1::ProbeResult& result) {
  SnapshotFacts facts;
  facts.host = host;
  facts.device = device;
  if (nvml != nullptr) facts.nvidia_driver = nvml->DriverVersion();
  v1::TrainerStarted started;
  started.set_device(result.device());
  started.set_device_model(result.device_model());
  *started.mutable_versions() = result.versions();
  return SnapshotJson(facts, started);
}

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
  for (const OfferedDevice& offered : *chosen) {
    auto result = Probe(offered.device);
    if (!result.ok()) return result.status();
    v1::DeviceProbe probe;
    probe.set_device(offered.device.name());
    probe.set_snapshot_json(SnapshotOf(host, offered, nvml.get(), *result));
    probe.set_probed_unix_ms(UnixMs(clock.WallNow()));
    *probe.mutable_result() = *std::move(result);
    LAPTIME_RETURN_IF_ERROR(files.Write(probe));
  }
  std::printf(
      "probed %zu device%s; `laptime device capabilities` shows it once an agent on %s is "
      "attached\n",
      chosen->size(), chosen->size() == 1 ? "" : "s", options.state_dir.c_str());
  return absl::OkStatus();
}

}  // namespace laptime::agent
