#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "agent/telemetry/run_processes.h"
#include "agent/telemetry/telemetry.h"

namespace laptime::agent {

// The Mac's CPU and memory from the kernel's host statistics. `device_threads` as in
// ProcCpuOptions. Observes what the CPUs did for anybody, and for the run.
//
// `run` must outlive it.
class MachTelemetry : public Telemetry {
 public:
  MachTelemetry(std::optional<int> device_threads, RunProcesses& run);

  const std::vector<v1::Sensor>& sensors() const override { return sensors_; }
  std::vector<std::optional<double>> Read() override;
  void Observe(Moment& moment) override;

 private:
  struct Ticks {
    double busy = 0, total = 0;
  };
  static std::optional<Ticks> ReadTicks();
  static std::optional<double> ReadMemoryUsed();

  const std::optional<int> device_threads_;
  RunProcesses& run_;
  const int cpus_;
  std::vector<v1::Sensor> sensors_;
  std::optional<Ticks> before_;
};

// The Mac's GPU from the public part of the IORegistry, readable without privileges. nullptr where
// IOKit cannot be opened.
std::unique_ptr<Telemetry> OpenIoRegistryTelemetry();

}  // namespace laptime::agent
