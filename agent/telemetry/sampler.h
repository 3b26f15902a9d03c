#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "agent/telemetry/telemetry.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime::agent {

inline constexpr std::chrono::seconds kSampleBatchPeriod{10};

// Readings of one attempt, in batches for the coordinator and over a lap for its utilization. Times
// count from the construction, which is the attempt's start.
//
// Thread-safe: one thread samples, another takes. `clock` must outlive it.
class Sampler {
 public:
  Sampler(const Clock& clock, std::vector<std::unique_ptr<Telemetry>> sources,
          std::chrono::duration<double> period);

  // Reads every source once.
  void Sample();

  // What was sampled since the last batch: all of it with `all`, else only when kSampleBatchPeriod
  // has passed.
  std::optional<v1::SampleBatch> TakeBatch(bool all);

  // The device's utilization over a lap; absent when there is no sample in it. Forgets samples up
  // to its end, so laps are asked for in order.
  std::optional<v1::Utilization> TakeLap(std::chrono::steady_clock::time_point begin,
                                         std::chrono::steady_clock::time_point end);

  // The newest reading of the device's utilization.
  std::optional<double> latest_utilization() const;
  const std::vector<v1::Sensor>& sensors() const { return sensors_; }
  std::chrono::duration<double> period() const { return period_; }

 private:
  struct Point {
    std::chrono::steady_clock::time_point at;
    double value;
  };

  // Constant after construction.
  const Clock& clock_;
  const std::chrono::duration<double> period_;
  const std::chrono::steady_clock::time_point start_;
  std::vector<v1::Sensor> sensors_;
  std::optional<size_t> utilization_;  // which sensor

  // Owned by the sampling thread.
  std::vector<std::unique_ptr<Telemetry>> sources_;

  mutable Mutex mu_;
  std::vector<v1::SampleSeries> pending_ ABSL_GUARDED_BY(mu_);  // one per sensor
  std::chrono::steady_clock::time_point next_batch_ ABSL_GUARDED_BY(mu_);
  std::vector<Point> lap_ ABSL_GUARDED_BY(mu_);
  std::optional<double> latest_ ABSL_GUARDED_BY(mu_);
};

// Samples once a period until it is destroyed. `sampler` must outlive it.
class SamplingThread {
 public:
  explicit SamplingThread(Sampler& sampler);

 private:
  std::jthread thread_;
};

}  // namespace laptime::agent
