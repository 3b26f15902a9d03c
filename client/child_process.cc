#include "client/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "proto/support/status.h"

extern char** environ;

namespace laptime::client {
namespace {

// How often a reader that waits for a line looks whether it should stop.
constexpr int kPollMilliseconds = 100;
constexpr size_t kLongestLine = 64 * 1024;

// The attributes of posix_spawn: own process group, no blocked signals, default reactions.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigemptyset(&none);
    sigset_t defaults;
    sigemptyset(&defaults);
    for (int signal : {SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGQUIT}) sigaddset(&defaults, signal);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &defaults);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Where the child's three standard descriptors lead.
class SpawnFiles {
 public:
  SpawnFiles(int output, const std::string& error_file) {
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    if (error_file.empty()) {
      posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    } else {
      posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, error_file.c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0600);
    }
  }
  ~SpawnFiles() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnFiles(const SpawnFiles&) = delete;
  SpawnFiles& operator=(const SpawnFiles&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

int ExitCodeOf(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ChildProcess>> ChildProcess::Start(const Options& options,
                                                                  std::function<void()> on_exit) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) {
    return absl::ResourceExhaustedError("cannot start " + options.program + ": " +
                                        std::strerror(errno));
  }
  for (int end : pipe_ends) fcntl(end, F_SETFD, FD_CLOEXEC);
  std::vector<char*> arguments{const_cast<char*>(options.program.c_str())};
  for (const std::string& argument : options.arguments) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const SpawnAttributes attributes;
  const SpawnFiles files(pipe_ends[1], options.error_file);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, options.program.c_str(), files.get(), attributes.get(),
                                arguments.data(), environ);
  close(pipe_ends[1]);
  if (error != 0) {
    close(pipe_ends[0]);
    return WithHint(absl::StatusCode::kNotFound,
                    "cannot start " + options.program + ": " + std::strerror(error),
                    "the programs of laptime lie in one folder; laptime doctor checks them");
  }
  return std::unique_ptr<ChildProcess>(new ChildProcess(pid, pipe_ends[0], std::move(on_exit)));
}

ChildProcess::ChildProcess(pid_t pid, int output, std::function<void()> on_exit)
    : pid_(pid), output_(output), on_exit_(std::move(on_exit)), waiter_([this] { AwaitEnd(); }) {}

ChildProcess::~ChildProcess() {
  Signal(SIGKILL);
  waiter_.join();
  close(output_);
}

void ChildProcess::AwaitEnd() {
  siginfo_t info{};
  // First without reaping, so that the number stays ours until the lock is held and nobody signals
  // it.
  while (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  {
    MutexLock lock(mu_);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    exit_code_ = ExitCodeOf(status);
    ended_.notify_all();
  }
  if (on_exit_) on_exit_();
}

void ChildProcess::Signal(int signal) {
  MutexLock lock(mu_);
  if (!exit_code_) kill(-pid_, signal);
}

std::optional<int> ChildProcess::exit_code() const {
  MutexLock lock(mu_);
  return exit_code_;
}

std::optional<int> ChildProcess::Wait(std::chrono::steady_clock::time_point deadline) const {
  MutexLock lock(mu_);
  ended_.wait_until(mu_, deadline,
                    [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return exit_code_.has_value(); });
  return exit_code_;
}

void ChildProcess::Stop(std::chrono::milliseconds grace) {
  Signal(SIGTERM);
  if (Wait(std::chrono::steady_clock::now() + grace)) return;
  Signal(SIGKILL);
  MutexLock lock(mu_);
  ended_.wait(mu_, [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return exit_code_.has_value(); });
}

std::optional<std::string> ChildProcess::ReadLine(std::chrono::steady_clock::time_point deadline,
                                                  std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (const size_t end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return line;
    }
    if (std::chrono::steady_clock::now() >= deadline || unread_.size() > kLongestLine) break;
    pollfd waited{output_, POLLIN, 0};
    if (poll(&waited, 1, kPollMilliseconds) <= 0) continue;
    std::array<char, 4096> buffer{};
    const ssize_t got = read(output_, buffer.data(), buffer.size());
    if (got <= 0) {
      if (unread_.empty()) break;
      return std::exchange(unread_, "");
    }
    unread_.append(buffer.data(), static_cast<size_t>(got));
  }
  return std::nullopt;
}

absl::StatusOr<ProgramResult> RunProgram(const std::string& program,
                                         const std::vector<std::string>& arguments,
                                         std::chrono::milliseconds limit) {
  const auto child = ChildProcess::Start({program, arguments, ""}, nullptr);
  if (!child.ok()) return child.status();
  const auto deadline = std::chrono::steady_clock::now() + limit;
  ProgramResult result;
  while (auto line = (*child)->ReadLine(deadline, {})) result.output += *line + "\n";
  const std::optional<int> code = (*child)->Wait(deadline);
  if (!code) return absl::DeadlineExceededError(program + " did not end in time");
  result.exit_code = *code;
  return result;
}

}  // namespace laptime::client
