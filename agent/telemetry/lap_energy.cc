#include "agent/telemetry/lap_energy.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace laptime::agent {
namespace {

struct PowerPoint {
  double at;  // seconds from the lap's begin
  double watts;
};

// The samples in the lap and one on each side of it.
std::vector<PowerPoint> PowerPoints(const LapWindow& lap) {
  std::vector<PowerPoint> points;
  for (const Moment& moment : lap.moments()) {
    if (!moment.watts) continue;
    const PowerPoint point{std::chrono::duration<double>(moment.at - lap.begin()).count(),
                           *moment.watts};
    if (point.at <= 0) points.clear();
    points.push_back(point);
    if (point.at >= lap.seconds()) break;
  }
  return points;
}

// Joules between two times; power runs straight from one point to the next and is level outside.
double Integral(const std::vector<PowerPoint>& points, double from, double to) {
  const auto power_at = [&](double time) {
    if (time <= points.front().at) return points.front().watts;
    for (size_t i = 1; i < points.size(); ++i) {
      if (time > points[i].at) continue;
      return std::lerp(points[i - 1].watts, points[i].watts,
                       (time - points[i - 1].at) / (points[i].at - points[i - 1].at));
    }
    return points.back().watts;
  };
  std::vector<double> times = {from};
  for (const PowerPoint& point : points) {
    if (point.at > from && point.at < to) times.push_back(point.at);
  }
  times.push_back(to);
  double joules = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    joules += (power_at(times[i - 1]) + power_at(times[i])) / 2 * (times[i] - times[i - 1]);
  }
  return joules;
}

std::optional<double> Integrated(const LapWindow& lap, double period) {
  const std::vector<PowerPoint> points = PowerPoints(lap);
  if (points.size() < 2) return std::nullopt;
  const double edge = 1.5 * period, gap = 2.5 * period;
  if (points.front().at > edge || points.back().at < lap.seconds() - edge) return std::nullopt;
  for (size_t i = 1; i < points.size(); ++i) {
    if (points[i].at - points[i - 1].at > gap) return std::nullopt;
  }
  return Integral(points, 0, lap.seconds());
}

}  // namespace

std::optional<v1::Energy> EnergyOf(const LapWindow& lap, std::chrono::duration<double> period,
                                   const std::string& power_source) {
  if (lap.moments().empty() || !(lap.seconds() > 0)) return std::nullopt;
  v1::Energy energy;
  if (const auto counted = lap.Growth(&Moment::joules)) {
    energy.set_joules(*counted);
    energy.set_tier(kDeviceCounter);
    energy.set_source(lap.Last(&Moment::joules)->energy_source);
  } else if (const auto integrated = Integrated(lap, period.count())) {
    energy.set_joules(*integrated);
    energy.set_tier(kIntegrated);
    energy.set_source(power_source);
  } else {
    return std::nullopt;
  }
  energy.set_mean_watts(energy.joules() / lap.seconds());
  return energy;
}

}  // namespace laptime::agent
