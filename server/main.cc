#include <spdlog/spdlog.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>

#include "proto/support/clock.h"
#include "proto/support/log.h"
#include "proto/support/status.h"
#include "server/coordinator_server.h"
#include "server/options.h"

namespace {

// Asks this process to stop when its parent is gone: a kill -9 of `laptime up` leaves nothing
// behind.
std::jthread WatchParent(int parent_pid) {
  return std::jthread([parent_pid](std::stop_token stop) {
    std::mutex mu;
    std::condition_variable_any wake;
    std::unique_lock lock(mu);
    while (!stop.stop_requested()) {
      if (getppid() != parent_pid) {
        kill(getpid(), SIGTERM);
        return;
      }
      wake.wait_for(lock, stop, std::chrono::milliseconds(500), [] { return false; });
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  const laptime::ParsedCommand parsed = laptime::ParseCommandLine(argc, argv);
  std::cout << parsed.out << std::flush;
  std::cerr << parsed.error;
  if (!parsed.serve) return parsed.exit_code;
  laptime::StartLog("laptime-server", parsed.command.log_level);

  // Before any thread starts, so that only the sigwait below takes them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  const laptime::SystemClock clock;
  auto server = laptime::CoordinatorServer::Start(parsed.command.server, clock);
  if (!server.ok()) {
    std::cerr << "error: " << laptime::MessageOf(server.status()) << "\n";
    if (const std::string hint = laptime::HintOf(server.status()); !hint.empty()) {
      std::cerr << "hint: " << hint << "\n";
    }
    return 1;
  }
  std::jthread parent;
  if (parsed.command.parent_pid != 0) parent = WatchParent(parsed.command.parent_pid);
  std::cout << "listening on " << (*server)->address() << std::endl;
  spdlog::info("listening on {}, state in {}", (*server)->address(),
               parsed.command.server.state_dir);

  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping ({})", signal == SIGINT ? "interrupted" : "terminated");
  (*server)->Stop();
  return 0;
}
