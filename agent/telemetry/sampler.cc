#include "agent/telemetry/sampler.h"

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <numeric>

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
      pending_.emplace_back();
      *pending_.back().mutable_sensor() = sensor;
      sensors_.push_back(std::move(sensor));
    }
  }
}

void Sampler::Sample() {
  std::vector<std::optional<double>> values;
  for (const auto& source : sources_) {
    const auto read = source->Read();
    values.insert(values.end(), read.begin(), read.end());
  }
  const auto now = clock_.Now();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - start_).count();
  MutexLock lock(mu_);
  for (size_t i = 0; i < pending_.size() && i < values.size(); ++i) {
    if (!values[i]) continue;
    pending_[i].add_times_ms(static_cast<int32_t>(ms));
    pending_[i].add_values(*values[i]);
  }
  latest_ = utilization_ ? values[*utilization_] : std::nullopt;
  if (latest_) lap_.push_back({now, *latest_});
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

std::optional<v1::Utilization> Sampler::TakeLap(std::chrono::steady_clock::time_point begin,
                                                std::chrono::steady_clock::time_point end) {
  MutexLock lock(mu_);
  std::vector<double> values;
  for (const Point& point : lap_) {
    if (point.at > begin && point.at <= end) values.push_back(point.value);
  }
  std::erase_if(lap_, [&](const Point& point) { return point.at <= end; });
  if (values.empty()) return std::nullopt;
  return Summarize(std::move(values), sensors_[*utilization_].source());
}

std::optional<double> Sampler::latest_utilization() const {
  MutexLock lock(mu_);
  return latest_;
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
