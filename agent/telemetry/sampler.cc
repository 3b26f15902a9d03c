#include "agent/telemetry/sampler.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <limits>
#include <numeric>

#include "agent/telemetry/lap_conditions.h"
#include "agent/telemetry/lap_energy.h"

namespace laptime::agent {
namespace {

// `sorted` at a share of its length, interpolated.
double Quantile(const std::vector<double>& sorted, double share) {
  const double position = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

v1::Utilization Summarize(std::vector<double> values, const std::string& source) {
  constexpr double kHigh = 90;
  std::ranges::sort(values);
  const auto count = static_cast<double>(values.size());
  v1::Utilization lap;
  lap.set_mean_percent(std::accumulate(values.begin(), values.end(), 0.0) / count);
  lap.set_min_percent(values.front());
  lap.set_p5_percent(Quantile(values, 0.05));
  lap.set_above_90_fraction(static_cast<double>(std::ranges::count_if(
                                values, [](double value) { return value > kHigh; })) /
                            count);
  lap.set_source(source);
  lap.set_samples(static_cast<int>(values.size()));
  return lap;
}

// Every pair as one, but for the first moment: the lap's counters start there.
std::deque<Moment> EverySecond(const std::deque<Moment>& moments) {
  std::deque<Moment> kept = {moments.front()};
  for (size_t i = 1; i < moments.size(); i += 2) {
    const bool pair = i + 1 < moments.size();
    kept.push_back(pair ? Merged(moments[i], moments[i + 1]) : moments[i]);
  }
  return kept;
}

}  // namespace

Sampler::Sampler(const Clock& clock, std::vector<std::unique_ptr<Telemetry>> sources,
                 std::chrono::duration<double> period)
    : clock_(clock),
      period_(period),
      start_(clock.Now()),
      sources_(std::move(sources)),
      next_batch_(start_ + kSampleBatchPeriod) {
  for (const auto& source : sources_) {
    for (v1::Sensor sensor : source->sensors()) {
      sensor.set_period_seconds(period.count());
      if (sensor.name() == kDeviceUtilization) utilization_ = sensors_.size();
      if (sensor.name() == kDevicePower) power_ = sensors_.size();
      pending_.emplace_back();
      *pending_.back().mutable_sensor() = sensor;
      sensors_.push_back(std::move(sensor));
    }
  }
  Mark();
}

void Sampler::Sample() {
  MutexLock reading(sources_mu_);
  std::vector<std::optional<double>> values;
  for (const auto& source : sources_) {
    const auto read = source->Read();
    values.insert(values.end(), read.begin(), read.end());
  }
  values.resize(sensors_.size());
  Moment moment = Observe();
  if (power_) moment.watts = values[*power_];
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(moment.at - start_).count();
  MutexLock lock(mu_);
  // Reports have no later times: a run of more than 24 days has no samples after them.
  const bool is_late = ms > std::numeric_limits<int32_t>::max();
  for (size_t i = 0; i < pending_.size(); ++i) {
    if (is_late || !values[i]) continue;
    pending_[i].add_times_ms(static_cast<int32_t>(ms));
    pending_[i].add_values(*values[i]);
  }
  latest_ = utilization_ ? values[*utilization_] : std::nullopt;
  if (latest_) lap_.push_back({moment.at, *latest_});
  Keep(moment);
}

TimePoint Sampler::Mark() {
  MutexLock reading(sources_mu_);
  const Moment moment = Observe();
  MutexLock lock(mu_);
  Keep(moment);
  return moment.at;
}

Moment Sampler::Observe() {
  Moment moment;
  moment.at = clock_.Now();
  for (const auto& source : sources_) source->Observe(moment);
  return moment;
}

void Sampler::Keep(const Moment& moment) {
  if (moments_.size() >= kMaxMoments) moments_ = EverySecond(moments_);
  moments_.push_back(moment);
}

std::optional<v1::SampleBatch> Sampler::TakeBatch(bool all) {
  MutexLock lock(mu_);
  if (!all && clock_.Now() < next_batch_) return std::nullopt;
  next_batch_ = clock_.Now() + kSampleBatchPeriod;
  v1::SampleBatch batch;
  for (v1::SampleSeries& series : pending_) {
    if (series.values().empty()) continue;
    *batch.add_series() = series;
    series.clear_times_ms();
    series.clear_values();
  }
  if (batch.series().empty()) return std::nullopt;
  return batch;
}

LapFacts Sampler::TakeLap(TimePoint begin, TimePoint end) {
  MutexLock lock(mu_);
  LapFacts facts;
  std::vector<double> values;
  for (const Point& point : lap_) {
    if (point.at > begin && point.at <= end) values.push_back(point.value);
  }
  std::erase_if(lap_, [&](const Point& point) { return point.at <= end; });
  if (!values.empty())
    facts.utilization = Summarize(std::move(values), sensors_[*utilization_].source());
  const LapWindow lap(moments_, begin, end);
  facts.conditions = ConditionsOf(lap);
  facts.energy = EnergyOf(lap, period_, power_ ? sensors_[*power_].source() : "");
  // The last before the end is where the next lap's counters start.
  while (moments_.size() > 1 && moments_[1].at <= end) moments_.pop_front();
  return facts;
}

std::optional<double> Sampler::latest_utilization() const {
  MutexLock lock(mu_);
  return latest_;
}

size_t Sampler::moments() const {
  MutexLock lock(mu_);
  return moments_.size();
}

SamplingThread::SamplingThread(Sampler& sampler)
    : thread_([&sampler](std::stop_token stop) {
        std::mutex mu;
        std::condition_variable_any wake;
        std::unique_lock lock(mu);
        const auto period =
            std::chrono::duration_cast<std::chrono::steady_clock::duration>(sampler.period());
        auto due = std::chrono::steady_clock::now() + period;
        while (!wake.wait_until(lock, stop, due, [&stop] { return stop.stop_requested(); })) {
          if (stop.stop_requested()) return;
          sampler.Sample();
          // After a suspend the missed samples are not made up for.
          due = std::max(due + period, std::chrono::steady_clock::now());
        }
      }) {}

}  // namespace laptime::agent
