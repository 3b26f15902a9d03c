#include "tests/load/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

#include "tests/load/timers.h"

namespace laptime::load {
namespace {

constexpr std::chrono::seconds kStartLimit{120};

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string LastOf(const std::string& text) {
  constexpr size_t kShown = 1000;
  return text.size() > kShown ? text.substr(text.size() - kShown) : text;
}

// "127.0.0.1:4711" of its line "listening on …"; empty while there is none.
std::string AddressIn(const std::string& log) {
  static const std::string words = "listening on ";
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(words, 0) == 0) return line.substr(words.size());
  }
  return "";
}

pid_t Spawn(const std::vector<std::string>& arguments, const std::string& log) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (posix_spawn(&pid, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid = 0;
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

}  // namespace

std::string ProgramDirectory() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

absl::StatusOr<std::unique_ptr<ServerProcess>> ServerProcess::Start(const std::string& state_dir,
                                                                    int port) {
  const std::string program = ProgramDirectory() + "/laptime-server";
  const std::string log = state_dir + ".log";
  const TimePoint begin = std::chrono::steady_clock::now();
  const pid_t pid = Spawn({program, "serve", "--port", std::to_string(port), "--state", state_dir,
                           "--parent-pid", std::to_string(getpid())},
                          log);
  if (pid == 0) return absl::NotFoundError("cannot start " + program);
  std::unique_ptr<ServerProcess> server(new ServerProcess(pid, log));
  const bool listens = Eventually(kStartLimit, [&] {
    server->address_ = AddressIn(ReadAll(log));
    return !server->address_.empty() || !server->IsRunning();
  });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  server->start_seconds_ = took.count();
  if (listens && !server->address_.empty()) return server;
  return absl::UnavailableError("laptime-server does not listen: " + LastOf(ReadAll(log)));
}

ServerProcess::~ServerProcess() { Kill(); }

int ServerProcess::port() const {
  return std::atoi(address_.substr(address_.rfind(':') + 1).c_str());
}

void ServerProcess::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

bool ServerProcess::IsRunning() {
  if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ != 0;
}

double ServerProcess::ResidentBytes() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
  double size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double ServerProcess::CpuSeconds() const {
  const std::string text = ReadAll("/proc/" + std::to_string(pid_) + "/stat");
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

int ServerProcess::Threads() const {
  std::error_code gone;
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid_) + "/task", gone);
  return static_cast<int>(std::distance(begin(all), end(all)));
}

int ServerProcess::OpenFiles() const {
  std::error_code gone;
  const std::filesystem::directory_iterator all("/proc/" + std::to_string(pid_) + "/fd", gone);
  return static_cast<int>(std::distance(begin(all), end(all)));
}

}  // namespace laptime::load
