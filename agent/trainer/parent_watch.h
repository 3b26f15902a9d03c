#pragma once

#include <sys/types.h>

#include <optional>
#include <thread>

namespace laptime::trainer {

// Ends this process as soon as its parent is gone, whatever it is doing: a trainer that nobody
// listens to would hold the device. Linux has the kernel do it (`parent_pid`); anywhere a pipe
// whose other end only the parent holds does it (`parent_pipe`). Stops watching when destroyed.
class ParentWatch {
 public:
  // Ends the process at once when the parent is not (or no longer) `parent_pid`.
  ParentWatch(std::optional<pid_t> parent_pid, std::optional<int> parent_pipe);
  ~ParentWatch();

  ParentWatch(const ParentWatch&) = delete;
  ParentWatch& operator=(const ParentWatch&) = delete;

 private:
  int wake_[2] = {-1, -1};  // closing the write end ends the watching thread
  std::jthread watcher_;
};

}  // namespace laptime::trainer
