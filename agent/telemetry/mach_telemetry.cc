#include "agent/telemetry/mach_telemetry.h"

#include <mach/mach.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

namespace laptime::agent {

MachTelemetry::MachTelemetry(std::optional<int> device_threads, RunProcesses& run)
    : device_threads_(device_threads),
      run_(run),
      cpus_(std::max(1, static_cast<int>(std::thread::hardware_concurrency()))) {
  sensors_ = {
      NewSensor(
          "cpu_utilization", "percent", "mach",
          "share of the past period in which the machine's CPUs were not idle, mean over CPUs"),
      NewSensor("memory_used", "bytes", "mach", "active, wired and compressed memory"),
  };
  if (device_threads_) {
    sensors_.push_back(NewSensor(
        kDeviceUtilization, "percent", "mach",
        "time the machine's CPUs were not idle (any process), over the threads this device "
        "may use times the past period; at most 100"));
  }
  before_ = ReadTicks();
}

std::vector<std::optional<double>> MachTelemetry::Read() {
  const auto now = ReadTicks();
  std::optional<double> share;
  if (now && before_ && now->total > before_->total) {
    share = (now->busy - before_->busy) / (now->total - before_->total);
  }
  before_ = now;
  std::vector<std::optional<double>> values(2);
  if (share) values[0] = 100 * *share;
  values[1] = ReadMemoryUsed();
  if (device_threads_) {
    const int threads = *device_threads_ > 0 ? std::min(*device_threads_, cpus_) : cpus_;
    values.push_back(share ? std::optional(std::min(100.0, 100 * *share * cpus_ / threads))
                           : std::nullopt);
  }
  return values;
}

void MachTelemetry::Observe(Moment& moment) {
  moment.own_seconds = run_.CpuSeconds();
  const auto now = ReadTicks();
  if (!now) return;
  moment.busy_seconds = now->busy / static_cast<double>(sysconf(_SC_CLK_TCK));
  moment.cpus = cpus_;
}

std::optional<MachTelemetry::Ticks> MachTelemetry::ReadTicks() {
  host_cpu_load_info_data_t load = {};
  mach_msg_type_number_t count = HOST_CPU_LOAD_INFO_COUNT;
  if (host_statistics(mach_host_self(), HOST_CPU_LOAD_INFO, reinterpret_cast<host_info_t>(&load),
                      &count) != KERN_SUCCESS) {
    return std::nullopt;
  }
  Ticks ticks;
  ticks.busy = static_cast<double>(load.cpu_ticks[CPU_STATE_USER]) +
               load.cpu_ticks[CPU_STATE_SYSTEM] + load.cpu_ticks[CPU_STATE_NICE];
  ticks.total = ticks.busy + load.cpu_ticks[CPU_STATE_IDLE];
  return ticks;
}

std::optional<double> MachTelemetry::ReadMemoryUsed() {
  vm_statistics64_data_t memory = {};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  if (host_statistics64(mach_host_self(), HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&memory),
                        &count) != KERN_SUCCESS) {
    return std::nullopt;
  }
  const double pages =
      static_cast<double>(memory.active_count) + memory.wire_count + memory.compressor_page_count;
  return pages * static_cast<double>(vm_kernel_page_size);
}

}  // namespace laptime::agent
