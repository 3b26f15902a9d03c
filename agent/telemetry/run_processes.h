#pragma once

#include <sys/types.h>

#include <atomic>
#include <filesystem>
#include <optional>
#include <set>

namespace laptime::agent {

// The processes of one run: the trainer, which leads a process group of its own, and all that it
// started; and the CPU time that they and this agent used.
//
// Follow may be called by any thread; the rest by one thread at a time.
class RunProcesses {
 public:
  // `proc` is "/proc" but in tests (Linux only).
  explicit RunProcesses(std::filesystem::path proc = "/proc");

  // From now on `trainer` and its descendants are the run.
  void Follow(pid_t trainer) { trainer_ = trainer; }

  // Looks again who belongs to the run. Returns the seconds of CPU time that the run, its ended
  // processes included, and the agent itself have used; absent where the system does not say.
  std::optional<double> CpuSeconds();

  // As of the last CpuSeconds.
  bool Owns(pid_t pid) const { return run_.contains(pid); }

 private:
  const std::filesystem::path proc_;
  // The kernel has /proc/PID/task/TID/children.
  [[maybe_unused]] const bool lists_children_;
  std::atomic<pid_t> trainer_{0};
  std::set<pid_t> run_;
};

}  // namespace laptime::agent
