#include "agent/signal_thread.h"

#include <pthread.h>
#include <unistd.h>

#include <chrono>

#include "proto/support/pause.h"

namespace laptime::agent {
namespace {

constexpr std::chrono::milliseconds kParentPeriod{500};

void WatchParent(std::stop_token stop, int parent_pid, const std::function<void()>& tell) {
  do {
    if (getppid() != parent_pid) return tell();
  } while (Pause(kParentPeriod, stop));
}

}  // namespace

sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

SignalThread::SignalThread(const sigset_t& signals, int parent_pid, std::function<void()> stop)
    : signals_(signals), thread_([this, stop](std::stop_token end) {
        int signal = 0;
        while (!end.stop_requested()) {
          if (sigwait(&signals_, &signal) == 0 && !end.stop_requested()) stop();
        }
      }) {
  if (parent_pid != 0) {
    parent_ = std::jthread(
        [parent_pid, stop](std::stop_token end) { WatchParent(end, parent_pid, stop); });
  }
}

SignalThread::~SignalThread() {
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), SIGTERM);
}

}  // namespace laptime::agent
