#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/unique_fd.h"

namespace laptime::agent {

struct ChildSpec {
  std::string program;                 // a path
  std::vector<std::string> arguments;  // without the program's name
  std::vector<std::pair<std::string, std::string>>
      environment;  // set besides what this process has
  // The child gets the read end of a pipe as this descriptor; it reads end-of-file when this
  // process is gone.
  std::optional<int> parent_pipe;
};

// How a child ended: one of the two.
struct ChildExit {
  std::optional<int> code;
  std::optional<int> signal;
};

// A child process in a process group of its own: nothing on its standard input, its standard output
// and error read here, no other descriptor of ours.
//
// Belongs to one thread, which must live until the child is reaped, because Linux's "die with the
// parent" follows the parent's thread. Destroying it kills the whole group and reaps it.
class ChildProcess {
 public:
  // kNotFound: there is no such program; kFailedPrecondition: it cannot be executed; kUnavailable,
  // kResourceExhausted: not now.
  static absl::StatusOr<std::unique_ptr<ChildProcess>> Spawn(const ChildSpec& spec);
  ~ChildProcess();

  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  struct Output {
    std::string out;
    std::string err;
    bool ended = false;  // the child has ended and all it wrote was returned
  };
  // Waits for output, the end, `wake_fd` readable or `timeout`, whichever is first.
  Output Wait(int wake_fd, std::chrono::milliseconds timeout);

  // To the whole group. Does nothing after the end.
  void Signal(int signal);

  // After Wait said `ended`: kills what is left of the group and returns how the child ended.
  ChildExit Reap();

  pid_t pid() const { return pid_; }

 private:
  ChildProcess(pid_t pid, UniqueFd out, UniqueFd err, UniqueFd ended, UniqueFd ended_write,
               UniqueFd parent_pipe);

  const pid_t pid_;
  UniqueFd out_;
  UniqueFd err_;
  UniqueFd ended_;        // readable once the child is a zombie
  UniqueFd parent_pipe_;  // held until the end, never written
  std::optional<ChildExit> exit_;
  std::jthread waiter_;  // waits for the end without reaping, so that the pid stays ours
};

}  // namespace laptime::agent
