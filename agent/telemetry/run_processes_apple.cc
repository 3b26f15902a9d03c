#include <libproc.h>
#include <mach/mach_time.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "agent/telemetry/run_processes.h"

namespace laptime::agent {
namespace {

// A run has a trainer and one process a device.
constexpr int kMostProcesses = 1024;

// proc_pid_rusage counts in the units of mach_absolute_time.
double Seconds(uint64_t units) {
  mach_timebase_info_data_t base = {};
  if (mach_timebase_info(&base) != KERN_SUCCESS || base.denom == 0) return 0;
  return static_cast<double>(units) * base.numer / base.denom / 1e9;
}

std::optional<rusage_info_v2> Usage(pid_t pid) {
  rusage_info_v2 usage = {};
  if (proc_pid_rusage(pid, RUSAGE_INFO_V2, reinterpret_cast<rusage_info_t*>(&usage)) != 0)
    return std::nullopt;
  return usage;
}

}  // namespace

RunProcesses::RunProcesses(std::filesystem::path proc)
    : proc_(std::move(proc)), lists_children_(false) {}

std::optional<double> RunProcesses::CpuSeconds() {
  const auto agent = Usage(getpid());
  if (!agent) return std::nullopt;
  double seconds = Seconds(agent->ri_user_time + agent->ri_system_time);
  run_.clear();
  const pid_t trainer = trainer_;
  if (trainer == 0) return seconds;
  std::vector<pid_t> pids(kMostProcesses);
  const int count =
      proc_listpgrppids(trainer, pids.data(), static_cast<int>(pids.size() * sizeof(pid_t)));
  pids.resize(count > 0 ? static_cast<size_t>(count) : 0);
  for (const pid_t pid : pids) {
    const auto usage = Usage(pid);
    if (!usage || !run_.insert(pid).second) continue;
    seconds += Seconds(usage->ri_user_time + usage->ri_system_time + usage->ri_child_user_time +
                       usage->ri_child_system_time);
  }
  return seconds;
}

}  // namespace laptime::agent
