#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "agent/telemetry/lap_window.h"
#include "agent/telemetry/telemetry.h"
#include "laptime/v1/agent.pb.h"
#include "proto/support/clock.h"
#include "proto/support/mutex.h"

namespace laptime::agent {

inline constexpr std::chrono::seconds kSampleBatchPeriod{10};
// How many moments of one lap are kept: a day of seconds. Of a longer lap every second one goes, as
// often as needed, so that no lap fills the memory.
inline constexpr size_t kMaxMoments = 86400;

// What the agent's sensors say of one lap.
struct LapFacts {
  std::optional<v1::Utilization> utilization;  // absent without a sample in the lap
  v1::Conditions conditions;
  std::optional<v1::Energy> energy;  // without images_per_joule
};

// Readings of one attempt, in batches for the coordinator and over its laps. Times count from the
// construction, which is the attempt's start.
//
// Thread-safe: one thread samples, another takes. `clock` must outlive it.
class Sampler {
 public:
  Sampler(const Clock& clock, std::vector<std::unique_ptr<Telemetry>> sources,
          std::chrono::duration<double> period);

  // Reads every source once.
  void Sample();

  // Looks at the machine without taking a sample: where a lap begins or ends, so that counters are
  // known there. Returns the time that it stands for.
  TimePoint Mark();

  // What was sampled since the last batch: all of it with `all`, else only when kSampleBatchPeriod
  // has passed.
  std::optional<v1::SampleBatch> TakeBatch(bool all);

  // What was seen during a lap. Forgets what lies before its end, so laps are asked for in order.
  LapFacts TakeLap(TimePoint begin, TimePoint end);

  // The newest reading of the device's utilization.
  std::optional<double> latest_utilization() const;
  const std::vector<v1::Sensor>& sensors() const { return sensors_; }
  // How many moments are kept for the lap under way.
  size_t moments() const;
  std::chrono::duration<double> period() const { return period_; }

 private:
  struct Point {
    TimePoint at;
    double value;
  };

  Moment Observe() ABSL_EXCLUSIVE_LOCKS_REQUIRED(sources_mu_);
  void Keep(const Moment& moment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Constant after construction.
  const Clock& clock_;
  const std::chrono::duration<double> period_;
  const TimePoint start_;
  std::vector<v1::Sensor> sensors_;
  std::optional<size_t> utilization_, power_;  // which sensors

  // Held while the sources are read. Taken before mu_.
  Mutex sources_mu_;
  std::vector<std::unique_ptr<Telemetry>> sources_ ABSL_GUARDED_BY(sources_mu_);

  mutable Mutex mu_;
  std::vector<v1::SampleSeries> pending_ ABSL_GUARDED_BY(mu_);  // one per sensor
  TimePoint next_batch_ ABSL_GUARDED_BY(mu_);
  std::vector<Point> lap_ ABSL_GUARDED_BY(mu_);
  std::deque<Moment> moments_ ABSL_GUARDED_BY(mu_);
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
