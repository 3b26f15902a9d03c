#include "agent/trainer/parent_watch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "agent/trainer/contract.h"

namespace laptime::trainer {
namespace {

void FollowParent(pid_t parent_pid) {
#ifdef __linux__
  // The signal follows the parent's thread that started us; the agent's lives as long as the agent.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent_pid) _exit(kExitStopped);
}

// True at the end of `pipe`, false when `wake` is closed first.
bool WaitForEnd(int pipe, int wake) {
  pollfd watched[] = {{pipe, POLLIN, 0}, {wake, POLLIN, 0}};
  for (;;) {
    if (poll(watched, 2, -1) < 0 && errno != EINTR) return false;
    if (watched[1].revents != 0) return false;
    char ignored[64];
    if (watched[0].revents != 0 && read(pipe, ignored, sizeof(ignored)) == 0) return true;
  }
}

}  // namespace

ParentWatch::ParentWatch(std::optional<pid_t> parent_pid, std::optional<int> parent_pipe) {
  if (parent_pid.has_value()) FollowParent(*parent_pid);
  if (!parent_pipe.has_value() || pipe(wake_) != 0) return;
  for (int fd : wake_) fcntl(fd, F_SETFD, FD_CLOEXEC);
  watcher_ = std::jthread([pipe = *parent_pipe, wake = wake_[0]] {
    if (WaitForEnd(pipe, wake)) _exit(kExitStopped);
  });
}

ParentWatch::~ParentWatch() {
  if (wake_[1] >= 0) close(wake_[1]);
  if (watcher_.joinable()) watcher_.join();
  if (wake_[0] >= 0) close(wake_[0]);
}

}  // namespace laptime::trainer
