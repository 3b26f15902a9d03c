#include <spdlog/spdlog.h>

#include <csignal>
#include <iostream>
#include <random>

#include "agent/agent.h"
#include "agent/attach_call.h"
#include "agent/certificate_renewal.h"
#include "agent/data_command.h"
#include "agent/device_discovery.h"
#include "agent/host_facts.h"
#include "agent/identity.h"
#include "agent/idle_probe.h"
#include "agent/join_command.h"
#include "agent/options.h"
#include "agent/outbox.h"
#include "agent/probe_command.h"
#include "agent/probe_files.h"
#include "agent/runner.h"
#include "agent/signal_thread.h"
#include "agent/spool.h"
#include "agent/state_dir.h"
#include "agent/telemetry/nvml.h"
#include "agent/trainer_spec.h"
#include "proto/support/clock.h"
#include "proto/support/log.h"
#include "proto/support/no_core.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

// nullptr when the agent is not to probe by itself.
absl::StatusOr<std::unique_ptr<IdleProbe>> StartIdleProbe(
    const RunOptions& options, const ProbeContext& context,
    const std::vector<OfferedDevice>& devices) {
  if (!options.probe_by_itself) return nullptr;
  auto wake = WakePipe::Open();
  if (!wake.ok()) return wake.status();
  return std::make_unique<IdleProbe>(IdleProbeOptions{options.state_dir / kProbeDirectory,
                                                      options.machine_lock, options.probe_after},
                                     context, devices, *std::move(wake));
}

// Where the coordinator is and what to show it.
struct Coordinates {
  std::string server;
  std::unique_ptr<CertificateRenewal> renewal;  // null: plaintext, on loopback

  ChannelSecurity security() const {
    return renewal == nullptr ? ChannelSecurity() : renewal->security();
  }
};

absl::StatusOr<Coordinates> FindCoordinator(const RunOptions& options, const Clock& clock) {
  absl::StatusOr<std::optional<Identity>> identity = ReadIdentity(options.state_dir);
  if (!identity.ok()) return identity.status();
  if (!identity->has_value()) {
    const std::string server = options.server.value_or(kDefaultServer);
    if (IsLoopback(server)) return Coordinates{server, nullptr};
    return WithHint(absl::StatusCode::kUnauthenticated,
                    "this machine has not joined the coordinator at " + server,
                    "laptime-agent join --server " + server + " --token-file FILE");
  }
  if ((*identity)->expires_unix_ms <= UnixMs(clock.WallNow())) {
    return WithHint(absl::StatusCode::kUnauthenticated, "this machine's certificate has expired",
                    "`laptime-agent join` with a new token; its results are kept until then");
  }
  if (options.server) (*identity)->server = *options.server;
  const std::string server = (*identity)->server;
  return Coordinates{server, std::make_unique<CertificateRenewal>(
                                 options.state_dir, **std::move(identity), clock, RenewIdentity)};
}

absl::Status RunJoinHere(const JoinOptions& options) {
  const absl::StatusOr<std::string> done = RunJoin(options, std::cin, SystemClock());
  if (!done.ok()) return done.status();
  std::cout << *done << std::flush;
  return absl::OkStatus();
}

absl::Status RunAgent(const RunOptions& options, const sigset_t& signals) {
  auto state = StateDir::Open(options.state_dir);
  if (!state.ok()) return state.status();
  auto spool = Spool::Open(state->spool_path(), {});
  if (!spool.ok()) return spool.status();
  const std::unique_ptr<Nvml> nvml = Nvml::Load();
  const HostFacts facts = ReadHostFacts("/");
  auto devices = DiscoverHere(facts, nvml.get(), options.devices);
  if (!devices.ok()) return devices.status();

  RunnerOptions runner;
  runner.trainer = FindTrainer();
  runner.data_dir = options.data_dir;
  runner.machine_lock = options.machine_lock;
  runner.run_in_parallel = options.run_in_parallel;
  runner.limits.stall_timeout = options.stall_timeout;

  const SystemClock clock;
  const absl::StatusOr<Coordinates> coordinates = FindCoordinator(options, clock);
  if (!coordinates.ok()) return coordinates.status();
  AgentOptions about{coordinates->server, coordinates->renewal != nullptr, facts.host,
                     *std::move(devices), options.run_in_parallel,         options.once};
  about.host.set_id(state->host_id());
  about.host.set_name(options.name);
  for (const OfferedDevice& offered : about.devices) {
    spdlog::info("device {}: {}", offered.device.name(), Printable(offered.device.model()));
  }

  const std::vector<OfferedDevice> offered = about.devices;
  std::random_device seed;
  std::mt19937_64 random(seed());
  Outbox outbox(**spool);
  GrpcConnector connector(coordinates->server, [&] { return coordinates->security(); });
  RunnerStarter starter(runner, {clock, *state, facts, nvml.get(), outbox, **spool});
  ProbeFiles probes(options.state_dir / kProbeDirectory);
  Agent agent(std::move(about), {clock, **spool, outbox, connector, starter, probes, random});
  auto idle_probe = StartIdleProbe(
      options, {FindTrainer(), facts, nvml.get(), clock, options.stall_timeout}, offered);
  if (!idle_probe.ok()) return idle_probe.status();
  const SignalThread signal_thread(signals, options.parent_pid, [&agent] { agent.Stop(); });
  return agent.Run();
}

int ExitCode(const absl::Status& status, ParsedCommand::Verb verb) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return 4;
    case absl::StatusCode::kNotFound:
      return verb == ParsedCommand::Verb::kDataCheck ? 3 : 1;
    case absl::StatusCode::kInvalidArgument:
      return 2;
    case absl::StatusCode::kUnavailable:
      return verb == ParsedCommand::Verb::kJoin ? 5 : 1;
    default:
      return 1;
  }
}

absl::Status Execute(const ParsedCommand& parsed, const sigset_t& signals) {
  switch (parsed.verb) {
    case ParsedCommand::Verb::kRun:
      return RunAgent(parsed.run, signals);
    case ParsedCommand::Verb::kJoin:
      return RunJoinHere(parsed.join);
    case ParsedCommand::Verb::kProbe:
      return RunProbe(parsed.probe);
    case ParsedCommand::Verb::kDataFetch:
      return RunDataFetch(parsed.data);
    default:
      return RunDataCheck(parsed.data);
  }
}

int Main(int argc, char** argv) {
  LeaveNoCore();
  const ParsedCommand parsed = ParseCommandLine(argc, argv);
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.error;
  if (parsed.verb == ParsedCommand::Verb::kNone) return parsed.exit_code;
  StartLog("laptime-agent", parsed.run.log_level);
  sigset_t signals;
  sigemptyset(&signals);
  // A download is broken off by Ctrl-C as any program is.
  if (parsed.verb == ParsedCommand::Verb::kRun) signals = BlockStopSignals();
  const absl::Status status = Execute(parsed, signals);
  if (!status.ok()) std::cerr << ErrorLines(status);
  return ExitCode(status, parsed.verb);
}

}  // namespace
}  // namespace laptime::agent

int main(int argc, char** argv) { return laptime::agent::Main(argc, argv); }
