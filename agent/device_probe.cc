#include "agent/device_probe.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "agent/attempt_end.h"
#include "agent/child_process.h"
#include "agent/snapshot.h"
#include "agent/telemetry/power_supply.h"
#include "agent/telemetry/run_processes.h"
#include "agent/telemetry/sampler.h"
#include "agent/trainer/contract.h"
#include "agent/trainer_events.h"
#include "agent/trainer_spec.h"
#include "agent/wake_pipe.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

// Between two looks at the machine.
constexpr std::chrono::milliseconds kPoll{1000};

absl::Status Refuse(const v1::Device& device, const std::string& why, const std::string& hint) {
  return WithHint(absl::StatusCode::kInternal, "probing " + device.name() + " failed: " + why,
                  hint);
}

absl::Status Stalled(const v1::Device& device, std::chrono::milliseconds limit) {
  return WithHint(absl::StatusCode::kDeadlineExceeded,
                  "probing " + device.name() + " failed: the trainer " + NoSignOfLife(limit),
                  "its driver may hang; --stall-timeout of laptime-agent run allows more time");
}

// Nobody, where the machine does not tell.
std::string DisturbedBy(const v1::Conditions& conditions) {
  const auto percent = [](double share) { return std::to_string(std::lround(100 * share)) + " %"; };
  if (const double share = conditions.foreign_cpu_fraction(); share > kMostForeign)
    return "other programs took " + percent(share) + " of the CPU time";
  if (const double share = conditions.foreign_gpu_fraction(); share > kMostForeign)
    return "other programs were on the GPU for " + percent(share) + " of the time";
  return "";
}

// The trainer's last event. Its words go on to standard error as they come; while it lives
// `sampler` looks at the machine, last at `seen`.
absl::StatusOr<v1::TrainerEvent> Follow(ChildProcess& child, const ProbeContext& context,
                                        const v1::Device& device, Sampler& sampler, TimePoint& seen,
                                        int wake_fd) {
  LineReader lines;
  Silence silence;
  v1::TrainerEvent last;
  for (bool ended = false; !ended;) {
    const auto asked = context.clock.Now();
    const auto wait = std::min(kPoll, std::chrono::ceil<std::chrono::milliseconds>(
                                          context.stall_timeout - silence.length()));
    const ChildProcess::Output output = child.Wait(wake_fd, wait);
    if (wake_fd >= 0 && WaitReadable(wake_fd, std::chrono::milliseconds(0)))
      return absl::CancelledError("probing " + device.name() + " was broken off");
    ended = output.ended;
    // After its end nobody tells the trainer's own CPU time.
    if (!ended) seen = sampler.Mark();
    silence.Waited(wait, context.clock.Now() - asked);
    if (ended || !output.out.empty() || !output.err.empty()) silence.Broken();
    if (silence.length() >= context.stall_timeout) return Stalled(device, context.stall_timeout);
    std::fputs(output.err.c_str(), stderr);
    auto complete = lines.Append(output.out);
    if (!complete.ok()) return complete.status();
    for (const std::string& line : *complete) {
      auto event = ParseTrainerEvent(line);
      if (!event.ok()) return Refuse(device, MessageOf(event.status()), "");
      last = *std::move(event);
    }
  }
  return last;
}

struct Probed {
  v1::ProbeResult result;
  v1::Conditions conditions;
};

absl::StatusOr<Probed> Probe(const ProbeContext& context, const OfferedDevice& offered,
                             int wake_fd) {
  const v1::Device& device = offered.device;
  RunProcesses processes;
  Sampler sampler(context.clock, context.telemetry(offered, context.host, context.nvml, processes),
                  kPoll);
  auto child = ChildProcess::Spawn(TrainerSpec(context.trainer, trainer::kCommandProbe, device));
  if (!child.ok()) return child.status();
  processes.Follow((*child)->pid());
  const TimePoint begin = sampler.Mark();
  TimePoint seen = begin;
  auto last = Follow(**child, context, device, sampler, seen, wake_fd);
  if (!last.ok()) return last.status();
  const ChildExit exit = (*child)->Reap();
  if (last->has_failed()) return Refuse(device, last->failed().message(), last->failed().hint());
  if (exit.code != 0 || !last->has_probe_result())
    return Refuse(device, "the trainer ended with " + Describe(exit), "its words are above");
  return Probed{last->probe_result(), sampler.TakeLap(begin, seen).conditions};
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

absl::StatusOr<MeasuredProbe> ProbeDevice(const ProbeContext& context, const OfferedDevice& offered,
                                          int wake_fd) {
  auto probed = Probe(context, offered, wake_fd);
  if (!probed.ok()) return probed.status();
  MeasuredProbe measured;
  measured.disturbed_by = DisturbedBy(probed->conditions);
  measured.probe.set_device(offered.device.name());
  measured.probe.set_snapshot_json(SnapshotOf(context, offered, probed->result));
  measured.probe.set_probed_unix_ms(UnixMs(context.clock.WallNow()));
  *measured.probe.mutable_result() = std::move(probed->result);
  return measured;
}

std::string ProbeBasis(const ProbeContext& context, const OfferedDevice& offered) {
  std::error_code error;
  const v1::Host& host = context.host.host;
  const auto written = std::filesystem::last_write_time(context.trainer, error);
  std::optional<double> watts;
  if (offered.gpu && context.nvml != nullptr)
    watts = context.nvml->PowerLimitWatts(offered.gpu->nvml_index);
  const nlohmann::json basis = {
      host.os(),
      host.kernel(),
      host.cpu_model(),
      DriverOf(context),
      offered.device.model(),
      offered.device.address(),
      offered.device.threads(),
      watts.value_or(0),
      LowPowerMode("/").value_or(false),
      error ? 0 : written.time_since_epoch().count(),
  };
  return basis.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

}  // namespace laptime::agent
