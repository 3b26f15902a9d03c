#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "agent/telemetry_sources.h"
#include "proto/support/clock.h"

namespace laptime::agent {

// Moves on by a second whenever it is looked at, so that a fake trainer's moment is long enough to
// be judged. Thread-safe.
class SteppingClock : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(++seconds_));
  }
  std::chrono::system_clock::time_point WallNow() const override { return {}; }

 private:
  mutable std::atomic<int64_t> seconds_{1000};
};

// One CPU, busy all the time with the run's work or with others'.
class OneCpu : public Telemetry {
 public:
  explicit OneCpu(bool foreign) : foreign_(foreign) {}
  const std::vector<v1::Sensor>& sensors() const override { return none_; }
  std::vector<std::optional<double>> Read() override { return {}; }
  void Observe(Moment& moment) override {
    moment.busy_seconds = ++looks_ * 100;
    moment.own_seconds = foreign_ ? 0 : *moment.busy_seconds;
    moment.cpus = 1;
  }

 private:
  const bool foreign_;
  const std::vector<v1::Sensor> none_;
  int looks_ = 0;
};

using Sources = std::vector<std::unique_ptr<Telemetry>>;

inline Sources OneCpuOf(bool foreign) {
  Sources sources;
  sources.push_back(std::make_unique<OneCpu>(foreign));
  return sources;
}

// In place of OpenTelemetry.
inline Sources Quiet(const OfferedDevice&, const HostFacts&, const Nvml*, RunProcesses&) {
  return OneCpuOf(/*foreign=*/false);
}
inline Sources Disturbed(const OfferedDevice&, const HostFacts&, const Nvml*, RunProcesses&) {
  return OneCpuOf(/*foreign=*/true);
}

}  // namespace laptime::agent
