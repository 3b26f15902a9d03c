#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "agent/unique_fd.h"

namespace laptime::agent {

// The same for every agent of this machine, whoever runs it.
inline constexpr char kMachineLockPath[] = "/tmp/laptime-machine.lock";
// Between two looks of a run at a lock that somebody else has.
inline constexpr std::chrono::milliseconds kLockPoll{500};

// One run at a time per machine, also between agents: measuring the CPU while the GPU trains spoils
// both. A value that moves; the lock ends with it or with the process, and no child inherits it.
class MachineLock {
 public:
  enum class Mode {
    kAlone,   // nobody else runs
    kShared,  // runs beside others that share: the operator allows parallel runs
  };

  // Opens the lock file, making it writable for everybody; never follows a symbolic link.
  static absl::StatusOr<MachineLock> Open(const std::string& path);

  // False when somebody else has it. Does not block.
  bool TryLock(Mode mode);

 private:
  explicit MachineLock(UniqueFd file) : file_(std::move(file)) {}

  UniqueFd file_;
};

}  // namespace laptime::agent
