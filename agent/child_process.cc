#include "agent/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/wake_pipe.h"

extern char** environ;

namespace laptime::agent {
namespace {

// After the child's end a grandchild may still hold its pipes: the group is killed, and this is the
// last wait.
constexpr std::chrono::milliseconds kDrainTime{500};

std::vector<std::string> MergedEnvironment(const ChildSpec& spec) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : spec.environment) replaced |= text.rfind(name + "=", 0) == 0;
    if (!replaced) merged.push_back(text);
  }
  for (const auto& [name, value] : spec.environment) merged.push_back(name + "=" + value);
  return merged;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// The signals that this process blocks or ignores are the child's again.
void SetAttributes(posix_spawnattr_t& attributes) {
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  sigdelset(&all, SIGKILL);
  sigdelset(&all, SIGSTOP);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
#ifdef POSIX_SPAWN_CLOEXEC_DEFAULT
  flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
#endif
  posix_spawnattr_setflags(&attributes, flags);
}

void SetFiles(posix_spawn_file_actions_t& files, int out, int err, int parent_read,
              std::optional<int> parent_fd) {
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err, STDERR_FILENO);
  if (parent_fd) posix_spawn_file_actions_adddup2(&files, parent_read, *parent_fd);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
  posix_spawn_file_actions_addclosefrom_np(&files, parent_fd ? *parent_fd + 1 : STDERR_FILENO + 1);
#endif
}

// Appends what is there; closes `fd` at its end.
void Drain(UniqueFd& fd, std::string& text) {
  std::array<char, 65536> bytes;
  const ssize_t count = read(fd.get(), bytes.data(), bytes.size());
  if (count > 0) text.append(bytes.data(), static_cast<size_t>(count));
  if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) fd.Reset();
}

// What the machine lacks may come back; what is wrong with the program stays wrong.
absl::StatusCode SpawnCode(int error) {
  switch (error) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ETXTBSY:
    case EIO:
      return absl::StatusCode::kUnavailable;
    case ENOENT:
      return absl::StatusCode::kNotFound;
    default:
      return absl::StatusCode::kFailedPrecondition;
  }
}

void WaitWithoutReaping(pid_t pid, const UniqueFd& ended) {
  siginfo_t info = {};
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  [[maybe_unused]] const ssize_t written = write(ended.get(), "e", 1);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Spawn(const ChildSpec& spec) {
  std::array<std::pair<UniqueFd, UniqueFd>, 4> pipes;  // out, err, ended, parent
  for (auto& pair : pipes) {
    auto ends = OpenPipe();
    if (!ends.ok()) return ends.status();
    pair = *std::move(ends);
  }
  auto& [out, err, ended, parent] = pipes;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t files;
  SetAttributes(attributes);
  SetFiles(files, out.second.get(), err.second.get(), parent.first.get(), spec.parent_pipe);
  std::vector<std::string> arguments = {spec.program};
  arguments.insert(arguments.end(), spec.arguments.begin(), spec.arguments.end());
  std::vector<std::string> environment = MergedEnvironment(spec);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, spec.program.c_str(), &files, &attributes,
                                Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    return absl::Status(SpawnCode(error),
                        "cannot start " + spec.program + ": " + std::strerror(error));
  }
  return std::unique_ptr<ChildProcess>(
      new ChildProcess(pid, std::move(out.first), std::move(err.first), std::move(ended.first),
                       std::move(ended.second), std::move(parent.second)));
}

ChildProcess::ChildProcess(pid_t pid, UniqueFd out, UniqueFd err, UniqueFd ended,
                           UniqueFd ended_write, UniqueFd parent_pipe)
    : pid_(pid),
      out_(std::move(out)),
      err_(std::move(err)),
      ended_(std::move(ended)),
      parent_pipe_(std::move(parent_pipe)),
      waiter_([pid, write = std::move(ended_write)] { WaitWithoutReaping(pid, write); }) {}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  waiter_.join();
  Reap();
}

ChildProcess::Output ChildProcess::Wait(int wake_fd, std::chrono::milliseconds timeout) {
  Output output;
  const bool zombie = WaitReadable(ended_.get(), std::chrono::milliseconds(0));
  if (zombie) Signal(SIGKILL);  // what is left of the group
  std::array<pollfd, 4> wanted = {{{out_.get(), POLLIN, 0},
                                   {err_.get(), POLLIN, 0},
                                   {zombie ? -1 : ended_.get(), POLLIN, 0},
                                   {zombie ? -1 : wake_fd, POLLIN, 0}}};
  const auto wait = zombie ? std::min(timeout, kDrainTime) : timeout;
  const int ready = out_.valid() || err_.valid() || !zombie
                        ? poll(wanted.data(), wanted.size(), PollTimeout(wait))
                        : 0;
  if (out_.valid() && wanted[0].revents != 0) Drain(out_, output.out);
  if (err_.valid() && wanted[1].revents != 0) Drain(err_, output.err);
  output.ended = zombie && (ready <= 0 || (!out_.valid() && !err_.valid()));
  return output;
}

void ChildProcess::Signal(int signal) {
  // The zombie keeps its pid, so the group's number cannot be somebody else's before Reap.
  if (!exit_) kill(-pid_, signal);
}

ChildExit ChildProcess::Reap() {
  if (exit_) return *exit_;
  Signal(SIGKILL);
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  exit_.emplace();
  if (WIFSIGNALED(status)) {
    exit_->signal = WTERMSIG(status);
  } else {
    exit_->code = WEXITSTATUS(status);
  }
  return *exit_;
}

}  // namespace laptime::agent
