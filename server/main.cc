#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <thread>

#include "proto/support/clock.h"
#include "proto/support/log.h"
#include "proto/support/no_core.h"
#include "proto/support/pause.h"
#include "proto/support/pinned_authority.h"
#include "proto/support/program_words.h"
#include "server/coordinator_server.h"
#include "server/options.h"
#include "server/self_probe.h"

namespace {

constexpr int kDeaf = 75;  // EX_TEMPFAIL: start me again
// For a whole stop: a second more than the calls under way are given (GrpcServerOptions::drain).
constexpr std::chrono::seconds kStopLimit{3};

// Asks this process to stop when its parent is gone: a kill -9 of `laptime up` leaves nothing
// behind.
std::jthread WatchParent(int parent_pid) {
  return std::jthread([parent_pid](const std::stop_token& stop) {
    do {
      if (getppid() != parent_pid) {
        kill(getpid(), SIGTERM);
        return;
      }
    } while (laptime::Pause(std::chrono::milliseconds(500), stop));
  });
}

// Ends the process after `limit`, until it is stopped. gRPC cannot cut a call whose reader has
// stalled before TCP gives the reader up; whatever was acknowledged is committed by then.
std::jthread LeaveAfter(std::chrono::milliseconds limit) {
  return std::jthread([limit](const std::stop_token& stop) {
    if (!laptime::Pause(limit, stop)) return;
    spdlog::warn("leaving a call that does not end: its reader does not read");
    spdlog::shutdown();
    std::_Exit(0);
  });
}

int Fail(const absl::Status& status) {
  constexpr int kUsage = 2;
  std::cerr << laptime::ErrorLines(status);
  return absl::IsInvalidArgument(status) ? kUsage : 1;
}

}  // namespace

int main(int argc, char** argv) {
  laptime::LeaveNoCore();
  const laptime::ParsedCommand parsed = laptime::ParseCommandLine(argc, argv);
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.error;
  const laptime::SystemClock clock;
  if (parsed.verb == laptime::ParsedCommand::Verb::kInit) {
    const absl::StatusOr<std::string> done = laptime::Initialise(parsed.init, clock);
    if (!done.ok()) return Fail(done.status());
    std::cout << *done << std::flush;
    return 0;
  }
  if (parsed.verb != laptime::ParsedCommand::Verb::kServe) return parsed.exit_code;
  laptime::StartLog("laptime-server", parsed.command.log_level);

  // Before any thread starts, so that only the sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  auto server = laptime::CoordinatorServer::Start(parsed.command.server, clock);
  if (!server.ok()) return Fail(server.status());
  std::jthread parent;
  if (parsed.command.parent_pid != 0) parent = WatchParent(parsed.command.parent_pid);
  std::cout << "listening on " << (*server)->address() << std::endl;
  spdlog::info("listening on {}, state in {}", (*server)->address(),
               parsed.command.server.state_dir);

  std::optional<laptime::SelfProbe> probe(
      std::in_place,
      [address = laptime::OwnAddress((*server)->address()), tls = (*server)->secured()] {
        return laptime::CheckAnswers(address, tls, laptime::kSelfProbeLimit);
      },
      [] {
        spdlog::critical("the port is deaf; ending so that the supervisor starts this anew");
        spdlog::shutdown();
        std::_Exit(kDeaf);
      });

  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping ({})", signal == SIGINT ? "interrupted" : "terminated");
  const std::jthread limit = LeaveAfter(kStopLimit);
  probe.reset();  // a coordinator that stops is not deaf; may wait for its last call
  server->reset();
  return 0;
}
