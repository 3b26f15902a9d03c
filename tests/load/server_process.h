#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace laptime::load {

// A real laptime-server, the program beside this one, on loopback.
//
// Belongs to one thread. The destructor kills it. Linux only: it reads /proc.
class ServerProcess {
 public:
  // Returns once it listens. `port` 0 takes any free one. kUnavailable with the end of its log when
  // it ended instead.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const std::string& state_dir,
                                                              int port);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& address() const { return address_; }
  int port() const;
  pid_t pid() const { return pid_; }
  // From its start to its line "listening on".
  double start_seconds() const { return start_seconds_; }

  // kill -9, and reaped.
  void Kill();
  bool IsRunning();

  double ResidentBytes() const;
  double CpuSeconds() const;  // of all its threads so far
  int Threads() const;
  int OpenFiles() const;

 private:
  ServerProcess(pid_t pid, std::string log) : pid_(pid), log_(std::move(log)) {}

  pid_t pid_;  // 0 once reaped
  const std::string log_;
  std::string address_;
  double start_seconds_ = 0;
};

// The directory that this program lies in.
std::string ProgramDirectory();

}  // namespace laptime::load
