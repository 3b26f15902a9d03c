#include "agent/trainer/stop_signal.h"

#include <signal.h>

#include <utility>

#include "agent/trainer/failure.h"
#include "proto/support/pause.h"

namespace laptime::trainer {
namespace {

// Wakes the waiting thread when nobody wants it any more.
constexpr int kWakeSignal = SIGUSR1;

sigset_t Awaited() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, kWakeSignal}) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

StopSignal::StopSignal(std::function<void()> on_overdue, std::chrono::milliseconds grace)
    : on_overdue_(std::move(on_overdue)), grace_(grace) {
  const sigset_t signals = Awaited();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  waiter_ = std::jthread([this](const std::stop_token& stop) { Wait(stop); });
}

StopSignal::~StopSignal() {
  waiter_.request_stop();
  pthread_kill(waiter_.native_handle(), kWakeSignal);
}

void StopSignal::Check() const {
  if (requested_) throw Stopped();
}

void StopSignal::Wait(const std::stop_token& stop) {
  const sigset_t signals = Awaited();
  int received = kWakeSignal;
  while (received == kWakeSignal && !stop.stop_requested()) sigwait(&signals, &received);
  if (stop.stop_requested()) return;
  requested_ = true;
  if (Pause(grace_, stop)) on_overdue_();
}

}  // namespace laptime::trainer
