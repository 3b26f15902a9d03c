#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/mutex.h"

namespace laptime::client {

// A program that this one started, in a process group of its own, with standard input from
// /dev/null.
//
// Thread-safe. It is always reaped. The destructor stops it the hard way; call Stop first to give
// it time.
class ChildProcess {
 public:
  struct Options {
    std::string program;                 // path
    std::vector<std::string> arguments;  // without the program's name
    std::string error_file;  // standard error is appended here; empty: it joins standard output
  };

  // `on_exit` is called once, from a thread of this object, after the program has ended; what it
  // refers to must outlive the object. kNotFound when there is no such program.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Start(const Options& options,
                                                             std::function<void()> on_exit);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // The next line of standard output without its end; what is left at the end of the output;
  // nothing after that, after `deadline` or when `stop` is requested.
  std::optional<std::string> ReadLine(std::chrono::steady_clock::time_point deadline,
                                      std::stop_token stop);

  // The exit code, 128 + the signal's number when one killed it; nothing while it runs.
  std::optional<int> exit_code() const;
  // Waits for its end until `deadline`; the exit code if it came.
  std::optional<int> Wait(std::chrono::steady_clock::time_point deadline) const;
  // SIGTERM to the group, `grace` to end, then SIGKILL. Returns when the program has been reaped.
  void Stop(std::chrono::milliseconds grace);

 private:
  ChildProcess(pid_t pid, int output, std::function<void()> on_exit);
  void Signal(int signal);
  void AwaitEnd();

  // Constant after construction.
  const pid_t pid_;
  const int output_;  // read end of standard output's pipe
  const std::function<void()> on_exit_;

  std::string unread_;  // used by the reading thread

  mutable Mutex mu_;
  mutable std::condition_variable_any ended_;
  std::optional<int> exit_code_ ABSL_GUARDED_BY(mu_);  // set in the moment of reaping

  std::jthread waiter_;
};

// What became of a short program that ran to its end.
struct ProgramResult {
  int exit_code = 0;
  std::string output;  // standard output and error, lines of both
};

// Runs a program that ends by itself; kDeadlineExceeded and killed when it does not within `limit`.
absl::StatusOr<ProgramResult> RunProgram(const std::string& program,
                                         const std::vector<std::string>& arguments,
                                         std::chrono::milliseconds limit);

}  // namespace laptime::client
