#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>

#include "proto/support/mutex.h"

namespace laptime::client {

// Ctrl-C and SIGTERM as a stop token.
//
// A command that has something to finish first calls Take(): the first signal then requests stop, a
// second one ends the process. Until somebody takes them, a signal ends the process at once with
// exit code 130. Thread-safe.
class Interrupt {
 public:
  // Signals request stop from now on.
  std::stop_token Take();
  // A signal arrived. False when nobody waits for it, so that the process should end.
  bool Raise();
  bool raised() const { return source_.stop_requested(); }
  // What is to be put right before a signal ends the process; null: nothing any more.
  void BeforeExit(std::function<void()> restore);
  void Restore();

 private:
  std::stop_source source_;
  std::atomic<bool> taken_{false};
  Mutex mu_;
  std::function<void()> restore_ ABSL_GUARDED_BY(mu_);
};

// Feeds the process's SIGINT and SIGTERM to `interrupt`, which must outlive it.
//
// Block() comes first in main, before any thread starts, so that every thread inherits the mask.
// Without anybody waiting the process ends with 130 from this object's thread.
class SignalThread {
 public:
  static void Block();
  explicit SignalThread(Interrupt& interrupt);
  ~SignalThread();
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

 private:
  void Wait(std::stop_token stop);

  Interrupt& interrupt_;
  std::jthread thread_;
};

}  // namespace laptime::client
