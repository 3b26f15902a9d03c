// A whole machine of strange files: what /proc and /sys hold, one piece a file, read by every
// source of telemetry and by what describes the host.

#include "agent/host_facts.h"
#include "agent/telemetry/cgroup.h"
#include "agent/telemetry/cpu_frequency.h"
#include "agent/telemetry/host_states.h"
#include "agent/telemetry/power_supply.h"
#include "agent/telemetry/proc_cpu.h"
#include "agent/telemetry/proc_memory.h"
#include "agent/telemetry/rapl.h"
#include "agent/telemetry/run_processes.h"
#include "agent/telemetry/thermal_zones.h"
#include "tests/fuzz/harness.h"

namespace {

namespace fs = std::filesystem;
using laptime::fuzz::Input;

const std::vector<std::string>& Files() {
  static const std::vector<std::string> files = {
      "proc/stat",
      "proc/meminfo",
      "proc/cpuinfo",
      "proc/vmstat",
      "proc/self/cgroup",
      "proc/self/mountinfo",
      "proc/self/status",
      "proc/sys/kernel/osrelease",
      "proc/7/stat",
      "proc/7/task/7/children",
      "proc/self/task/1/children",
      "etc/os-release",
      "sys/fs/cgroup/cpu.max",
      "sys/fs/cgroup/cpu.stat",
      "sys/fs/cgroup/memory.max",
      "sys/fs/cgroup/memory.current",
      "sys/fs/cgroup/a/cpu.max",
      "sys/fs/cgroup/a/cpu.stat",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us",
      "sys/fs/cgroup/cpu/cpu.stat",
      "sys/fs/cgroup/cpuacct/cpuacct.usage",
      "sys/fs/cgroup/memory/memory.limit_in_bytes",
      "sys/devices/system/cpu/online",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
      "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
      "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count",
      "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_total_time_ms",
      "sys/devices/system/cpu/cpu0/topology/core_id",
      "sys/devices/system/cpu/cpu0/topology/physical_package_id",
      "sys/devices/system/cpu/cpufreq/boost",
      "sys/class/powercap/intel-rapl:0/energy_uj",
      "sys/class/powercap/intel-rapl:0/max_energy_range_uj",
      "sys/class/powercap/intel-rapl:0/name",
      "sys/class/thermal/thermal_zone0/temp",
      "sys/class/thermal/thermal_zone0/type",
      "sys/class/hwmon/hwmon0/name",
      "sys/class/hwmon/hwmon0/temp1_input",
      "sys/class/power_supply/BAT0/type",
      "sys/class/power_supply/BAT0/status",
      "sys/class/power_supply/AC/type",
      "sys/class/power_supply/AC/online",
      "sys/firmware/acpi/platform_profile",
  };
  return files;
}

// The files of one input, which go with it.
class Machine {
 public:
  Machine(const fs::path& root, Input& input) : root_(root), input_(input) {}
  ~Machine() {
    std::error_code ignored;
    for (const fs::path& file : written_) fs::remove(file, ignored);
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const fs::path& root() const { return root_; }
  // The next few: new ones, and some in place of those that are there.
  void Write() {
    for (int files = 0; files < 6 && !input_.empty(); ++files) {
      written_.push_back(root_ / Files()[input_.Byte() % Files().size()]);
      std::ofstream(written_.back(), std::ios::binary | std::ios::trunc) << input_.Piece();
    }
  }

 private:
  const fs::path& root_;
  Input& input_;
  std::vector<fs::path> written_;
};

void Use(laptime::agent::Telemetry& source) {
  source.Read();
  laptime::agent::Moment moment;
  source.Observe(moment);
}

// The sources look once at the files as they are, and once after they have changed.
void ReadAll(Machine& machine) {
  using namespace laptime::agent;
  const fs::path& root = machine.root();
  const std::vector<int> cpus = {0};
  RunProcesses run(root / "proc");
  run.Follow(7);
  std::vector<std::unique_ptr<Telemetry>> sources;
  sources.push_back(std::make_unique<ProcCpu>(ProcCpuOptions{root, {}, 0, 2}, run));
  sources.push_back(std::make_unique<ProcMemory>(root));
  sources.push_back(std::make_unique<CgroupTelemetry>(root));
  sources.push_back(std::make_unique<CpuFrequency>(root, cpus));
  sources.push_back(std::make_unique<Rapl>(root, true));
  sources.push_back(std::make_unique<ThermalZones>(root, cpus, true));
  sources.push_back(OpenHostStates(root));
  for (const auto& source : sources) Use(*source);
  machine.Write();
  for (const auto& source : sources) Use(*source);
  OnBattery(root);
  LowPowerMode(root);
  PowerFacts(root, {});
  ReadHostFacts(root);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const fs::path root = [] {
    const fs::path made = laptime::fuzz::Scratch().path() / "root";
    for (const std::string& file : Files()) fs::create_directories((made / file).parent_path());
    return made;
  }();
  Input input(data, size);
  Machine machine(root, input);
  machine.Write();
  ReadAll(machine);
  return 0;
}
