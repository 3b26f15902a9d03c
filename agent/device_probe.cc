#include "agent/device_probe.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "agent/attempt_end.h"
#include "agent/child_process.h"
#include "agent/snapshot.h"
#include "agent/trainer/contract.h"
#include "agent/trainer_events.h"
#include "agent/trainer_spec.h"
#include "agent/wake_pipe.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

constexpr std::chrono::seconds kPoll{1};

absl::Status Refuse(const v1::Device& device, const std::string& why, const std::string& hint) {
  return WithHint(absl::StatusCode::kInternal, "probing " + device.name() + " failed: " + why,
                  hint);
}

// The trainer's words go on to standard error as they come.
absl::StatusOr<v1::ProbeResult> Probe(const std::filesystem::path& program,
                                      const v1::Device& device, int wake_fd) {
  auto child = ChildProcess::Spawn(TrainerSpec(program, trainer::kCommandProbe, device));
  if (!child.ok()) return child.status();
  LineReader lines;
  v1::TrainerEvent last;
  for (bool ended = false; !ended;) {
    const ChildProcess::Output output = (*child)->Wait(wake_fd, kPoll);
    if (wake_fd >= 0 && WaitReadable(wake_fd, std::chrono::milliseconds(0)))
      return absl::CancelledError("probing " + device.name() + " was broken off");
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

std::string DriverOf(const ProbeContext& context) {
  return context.nvml == nullptr ? "" : context.nvml->DriverVersion();
}

// As of a run, but for data set, flags and telemetry.
std::string SnapshotOf(const ProbeContext& context, const OfferedDevice& device,
                       const v1::ProbeResult& result) {
  SnapshotFacts facts;
  facts.host = context.host;
  facts.device = device;
  facts.nvidia_driver = DriverOf(context);
  v1::TrainerStarted started;
  started.set_device(result.device());
  started.set_device_model(result.device_model());
  *started.mutable_versions() = result.versions();
  return SnapshotJson(facts, started);
}

}  // namespace

absl::StatusOr<v1::DeviceProbe> ProbeDevice(const ProbeContext& context,
                                            const OfferedDevice& offered, int wake_fd) {
  auto result = Probe(context.trainer, offered.device, wake_fd);
  if (!result.ok()) return result.status();
  v1::DeviceProbe probe;
  probe.set_device(offered.device.name());
  probe.set_snapshot_json(SnapshotOf(context, offered, *result));
  probe.set_probed_unix_ms(UnixMs(context.clock.WallNow()));
  *probe.mutable_result() = *std::move(result);
  return probe;
}

std::string ProbeBasis(const ProbeContext& context, const OfferedDevice& offered) {
  std::error_code error;
  const v1::Host& host = context.host.host;
  const auto written = std::filesystem::last_write_time(context.trainer, error);
  const nlohmann::json basis = {
      host.os(),
      host.kernel(),
      host.cpu_model(),
      DriverOf(context),
      offered.device.model(),
      offered.device.address(),
      offered.device.threads(),
      error ? 0 : written.time_since_epoch().count(),
  };
  return basis.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

}  // namespace laptime::agent
