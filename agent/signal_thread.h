#pragma once

#include <csignal>
#include <functional>
#include <thread>

namespace laptime::agent {

// Blocks the signals that mean "stop", so that only SignalThread takes them. Call first thing in
// main, before any thread starts.
sigset_t BlockStopSignals();

// Calls `stop` when a stop signal comes, or when process `parent_pid` (0 = none) is no longer the
// parent.
class SignalThread {
 public:
  SignalThread(const sigset_t& signals, int parent_pid, std::function<void()> stop);
  ~SignalThread();

 private:
  const sigset_t signals_;
  std::jthread parent_;
  std::jthread thread_;
};

}  // namespace laptime::agent
