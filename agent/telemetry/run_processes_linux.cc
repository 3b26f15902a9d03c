#include <unistd.h>

#include <charconv>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "agent/telemetry/proc_files.h"
#include "agent/telemetry/run_processes.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

struct Process {
  pid_t parent = 0;
  double own_ticks = 0;       // user and system
  double children_ticks = 0;  // of children that ended and were waited for, and theirs
};

// The line of /proc/PID/stat. The name in parentheses may hold anything, so fields count from the
// last one: state, ppid (4th), …, utime, stime, cutime, cstime (14th to 17th).
std::optional<Process> ParseProcess(const std::string& stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream in(stat.substr(name_end + 1));
  std::string state, skipped;
  Process process;
  in >> state >> process.parent;
  for (int field = 5; field < 14; ++field) in >> skipped;
  double user = 0, system = 0, children_user = 0, children_system = 0;
  if (!(in >> user >> system >> children_user >> children_system)) return std::nullopt;
  process.own_ticks = user + system;
  process.children_ticks = children_user + children_system;
  return process;
}

std::optional<pid_t> Number(const fs::path& path) {
  const std::string name = path.filename();
  pid_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return number;
}

// The numbered entries of a directory; none when it has gone meanwhile.
std::vector<pid_t> Numbers(const fs::path& dir) {
  std::vector<pid_t> numbers;
  std::error_code gone;
  for (fs::directory_iterator entry(dir, gone), end; !gone && entry != end; entry.increment(gone)) {
    if (const auto number = Number(entry->path())) numbers.push_back(*number);
  }
  return numbers;
}

// Each thread lists the children that it started.
std::vector<pid_t> ChildrenOf(const fs::path& proc, pid_t pid) {
  std::vector<pid_t> children;
  const fs::path tasks = proc / std::to_string(pid) / "task";
  for (const pid_t thread : Numbers(tasks)) {
    std::istringstream in(ReadText(tasks / std::to_string(thread) / "children"));
    for (pid_t child = 0; in >> child;) children.push_back(child);
  }
  return children;
}

// Parent to children of every process, for kernels that list no children: far more to read.
std::multimap<pid_t, pid_t> AllChildren(const fs::path& proc) {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : Numbers(proc)) {
    const auto process = ParseProcess(ReadText(proc / std::to_string(pid) / "stat"));
    if (process) children.emplace(process->parent, pid);
  }
  return children;
}

bool ListsChildren(const fs::path& proc) {
  for (const pid_t thread : Numbers(proc / "self" / "task")) {
    if (fs::exists(proc / "self" / "task" / std::to_string(thread) / "children")) return true;
  }
  return false;
}

}  // namespace

RunProcesses::RunProcesses(fs::path proc)
    : proc_(std::move(proc)), lists_children_(ListsChildren(proc_)) {}

std::optional<double> RunProcesses::CpuSeconds() {
  const auto agent = ParseProcess(ReadText(proc_ / "self" / "stat"));
  if (!agent) return std::nullopt;
  // Children of the agent that ended are other runs: not its own time.
  double ticks = agent->own_ticks;
  run_.clear();
  std::vector<pid_t> left;
  if (const pid_t trainer = trainer_) left.push_back(trainer);
  const auto all =
      lists_children_ || left.empty() ? std::multimap<pid_t, pid_t>() : AllChildren(proc_);
  while (!left.empty()) {
    const pid_t pid = left.back();
    left.pop_back();
    const auto process = ParseProcess(ReadText(proc_ / std::to_string(pid) / "stat"));
    if (!process || !run_.insert(pid).second) continue;
    ticks += process->own_ticks + process->children_ticks;
    if (lists_children_) {
      for (const pid_t child : ChildrenOf(proc_, pid)) left.push_back(child);
    }
    const auto [first, last] = all.equal_range(pid);
    for (auto child = first; child != last; ++child) left.push_back(child->second);
  }
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

}  // namespace laptime::agent
