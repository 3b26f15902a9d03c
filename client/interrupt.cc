#include "client/interrupt.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "client/exit_codes.h"

namespace laptime::client {
namespace {

// SIGUSR1 is sent by the destructor to its own thread only.
sigset_t WaitedSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGUSR1);
  return signals;
}

}  // namespace

std::stop_token Interrupt::Take() {
  taken_ = true;
  return source_.get_token();
}

bool Interrupt::Raise() { return taken_ && source_.request_stop(); }

void Interrupt::BeforeExit(std::function<void()> restore) {
  MutexLock lock(mu_);
  restore_ = std::move(restore);
}

void Interrupt::Restore() {
  MutexLock lock(mu_);
  if (restore_) restore_();
}

void SignalThread::Block() {
  const sigset_t signals = WaitedSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

SignalThread::SignalThread(Interrupt& interrupt)
    : interrupt_(interrupt), thread_([this](std::stop_token stop) { Wait(stop); }) {}

SignalThread::~SignalThread() {
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), SIGUSR1);
}

void SignalThread::Wait(std::stop_token stop) {
  const sigset_t signals = WaitedSignals();
  int signal = 0;
  while (!stop.stop_requested() && sigwait(&signals, &signal) == 0) {
    if (signal == SIGUSR1) continue;
    if (interrupt_.Raise()) continue;
    interrupt_.Restore();
    _exit(kExitInterrupted);
  }
}

}  // namespace laptime::client
