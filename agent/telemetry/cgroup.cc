#include "agent/telemetry/cgroup.h"

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

#include "agent/telemetry/proc_files.h"

namespace laptime::agent {
namespace {

namespace fs = std::filesystem;

// This process's cgroup in the hierarchy of version 2 (`controller` empty) or of one of version 1.
std::string GroupOf(const fs::path& root, const std::string& controller) {
  std::istringstream lines(ReadText(root / "proc/self/cgroup"));
  std::string inner;
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    if (controllers == ",," ? controller.empty()
                            : controllers.find("," + controller + ",") != std::string::npos) {
      inner = line.substr(second + 1);
    }
  }
  return inner;
}

// The directories of that group and those above it, innermost first.
std::vector<fs::path> CgroupDirs(const fs::path& root, const std::string& controller) {
  const fs::path top = root / "sys/fs/cgroup" / controller;
  std::vector<fs::path> dirs;
  for (fs::path at = fs::path(GroupOf(root, controller)).relative_path(); !at.empty();
       at = at.parent_path())
    dirs.push_back(top / at);
  dirs.push_back(top);
  return dirs;
}

void Tighten(CpuQuota& quota, const std::string& time, const std::string& period,
             const CpuQuota& found) {
  constexpr double kNoQuota = 1e6;  // CPUs: more than any machine has
  const double cpus = std::atof(time.c_str()) / std::max(1.0, std::atof(period.c_str()));
  if (!(cpus > 0) || cpus > kNoQuota || (quota.cpus > 0 && cpus >= quota.cpus)) return;
  quota = found;
  quota.cpus = cpus;
}

}  // namespace

CpuQuota ReadCpuQuota(const fs::path& root) {
  CpuQuota quota;
  for (const fs::path& dir : CgroupDirs(root, "")) {
    std::string time, period;
    std::istringstream(ReadText(dir / "cpu.max")) >> time >> period;
    if (!period.empty() && time != "max") Tighten(quota, time, period, {0, dir / "cpu.stat", {}});
  }
  const std::vector<fs::path> dirs = CgroupDirs(root, "cpu");
  const std::vector<fs::path> accounts = CgroupDirs(root, "cpuacct");
  // In another group of the other hierarchy other processes are counted.
  const bool alike = GroupOf(root, "cpu") == GroupOf(root, "cpuacct");
  for (size_t i = 0; i < dirs.size(); ++i) {
    const fs::path usage = alike ? accounts[i] / "cpuacct.usage" : "";
    Tighten(quota, ReadText(dirs[i] / "cpu.cfs_quota_us"), ReadText(dirs[i] / "cpu.cfs_period_us"),
            {0, dirs[i] / "cpu.stat", usage});
  }
  return quota;
}

MemoryLimit ReadMemoryLimit(const fs::path& root) {
  // Version 1 says "no limit" with a number beyond any memory.
  constexpr double kNoLimit = 1e18;
  MemoryLimit limit;
  const auto tighten = [&limit](const fs::path& dir, const char* maximum, const char* used) {
    const auto bytes = ReadNumber(dir / maximum);
    if (!bytes || !(*bytes > 0) || *bytes > kNoLimit) return;
    if (limit.bytes == 0 || *bytes < limit.bytes) limit = {*bytes, dir / used};
  };
  for (const fs::path& dir : CgroupDirs(root, "")) tighten(dir, "memory.max", "memory.current");
  for (const fs::path& dir : CgroupDirs(root, "memory"))
    tighten(dir, "memory.limit_in_bytes", "memory.usage_in_bytes");
  return limit;
}

CgroupTelemetry::CgroupTelemetry(const fs::path& root)
    : quota_(ReadCpuQuota(root)), before_(ReadPeriods()) {
  if (before_) {
    sensors_.Add(NewSensor("cgroup_throttled", "percent", "cgroup",
                           "share of the quota's enforcement periods in the past period in which "
                           "the cgroup had used it up and stood still (nr_throttled over "
                           "nr_periods of cpu.stat)"),
                 [this] { return throttled_percent_; });
  }
  const MemoryLimit memory = ReadMemoryLimit(root);
  if (memory.bytes == 0) return;
  sensors_.AddIfThere(NewSensor("cgroup_memory_used", "bytes", "cgroup",
                                "memory charged to the cgroup whose limit is the tightest, page "
                                "cache included"),
                      [memory] { return ReadNumber(memory.used); });
}

std::optional<CgroupTelemetry::Periods> CgroupTelemetry::ReadPeriods() const {
  if (quota_.stat.empty()) return std::nullopt;
  const auto all = ReadNumber(quota_.stat, "nr_periods");
  const auto throttled = ReadNumber(quota_.stat, "nr_throttled");
  if (!all || !throttled) return std::nullopt;
  return Periods{*all, *throttled};
}

std::vector<std::optional<double>> CgroupTelemetry::Read() {
  const auto now = ReadPeriods();
  throttled_percent_.reset();
  if (now && before_ && now->all > before_->all) {
    throttled_percent_ =
        100 * std::max(0.0, now->throttled - before_->throttled) / (now->all - before_->all);
  }
  before_ = now;
  return sensors_.Read();
}

void CgroupTelemetry::Observe(Moment& moment) {
  if (quota_.cpus == 0) return;
  moment.quota_cpus = quota_.cpus;
  if (const auto microseconds = ReadNumber(quota_.stat, "usage_usec")) {
    moment.cgroup_seconds = *microseconds / 1e6;
  } else if (!quota_.usage.empty()) {
    if (const auto nanoseconds = ReadNumber(quota_.usage))
      moment.cgroup_seconds = *nanoseconds / 1e9;
  }
}

}  // namespace laptime::agent
