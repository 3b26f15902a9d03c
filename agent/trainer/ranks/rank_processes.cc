#include "agent/trainer/ranks/rank_processes.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "agent/trainer/contract.h"
#include "agent/trainer/failure.h"

extern char** environ;

namespace laptime::trainer {
namespace {

constexpr char kOwnFile[] = "/proc/self/exe";  // ranks are offered on Linux only

// It has nothing to read, and no events to tell: those are rank 0's.
pid_t Spawn(std::vector<std::string> words) {
  words.insert(words.begin(), kProgram);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
  pid_t process = 0;
  const int error = posix_spawn(&process, kOwnFile, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    throw TrainerError(FailureCause::kInfrastructure,
                       std::string("a further rank cannot be started: ") + std::strerror(error),
                       "--set devices_per_run=1 needs none");
  }
  return process;
}

RankEnd Describe(int rank, const siginfo_t& ended) {
  if (ended.si_code == CLD_EXITED) {
    return {rank, ended.si_status, "ended with exit code " + std::to_string(ended.si_status)};
  }
  return {rank, std::nullopt, "was killed by signal " + std::to_string(ended.si_status)};
}

}  // namespace

RankProcesses::~RankProcesses() {
  Finish();
  // Not reaped before its watcher is gone, so the id is still the process's own.
  for (const pid_t process : processes_) kill(process, SIGKILL);
  watchers_.clear();
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
}

void RankProcesses::Start(const std::vector<std::string>& arguments) {
  const pid_t process = Spawn(arguments);
  processes_.push_back(process);
  const auto rank = static_cast<int>(processes_.size());
  watchers_.emplace_back([this, rank, process] { Watch(rank, process); });
}

void RankProcesses::Finish() {
  const std::lock_guard lock(mu_);
  finishing_ = true;
}

void RankProcesses::AwaitLoss(std::chrono::milliseconds patience) {
  if (processes_.empty()) return;
  std::unique_lock lock(mu_);
  changed_.wait_for(lock, patience, [this] { return told_; });
}

void RankProcesses::Watch(int rank, pid_t process) {
  siginfo_t ended{};
  while (waitid(P_PID, static_cast<id_t>(process), &ended, WEXITED | WNOWAIT) != 0 &&
         errno == EINTR) {
  }
  {
    const std::lock_guard lock(mu_);
    if (finishing_) return;
    finishing_ = true;  // the other ranks end because of this one
  }
  on_loss_(Describe(rank, ended));
  const std::lock_guard lock(mu_);
  told_ = true;
  changed_.notify_all();
}

}  // namespace laptime::trainer
