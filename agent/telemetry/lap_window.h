#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <optional>

#include "agent/telemetry/moment.h"

namespace laptime::agent {

using TimePoint = std::chrono::steady_clock::time_point;

// A counter that seems to step back by less (seconds, joules) does not: two clocks or many ticks
// are read one after the other.
inline constexpr double kCounterJitter = 0.05;
// Of a lap of whose time less is known, no share is told.
inline constexpr double kLeastCoverage = 0.5;

// The moments around one lap, in the order of their times: best one at or before its begin, all
// within, and one at its end.
//
// A view: `moments` must outlive it and stay as they are.
class LapWindow {
 public:
  LapWindow(const std::deque<Moment>& moments, TimePoint begin, TimePoint end)
      : moments_(moments), begin_(begin), end_(end) {}

  double seconds() const { return std::chrono::duration<double>(end_ - begin_).count(); }

  // By how much a counter grew in the lap; between two moments it is taken to grow evenly. Absent
  // when it is not known on both sides of the lap, or steps back between them: it was restarted.
  std::optional<double> Growth(std::optional<double> Moment::*counter) const;

  // The last moment at or before the lap's end that has the counter; there is one where Growth
  // knows something. Else nullptr.
  const Moment* Last(std::optional<double> Moment::*counter) const;

  // Of the lap, the share of time for which `holds` said true, over the time for which it said
  // anything; absent where that is less than kLeastCoverage of the lap. Each moment is asked about
  // the time since the one before, which it is given too.
  std::optional<double> Share(
      const std::function<std::optional<bool>(const Moment& before, const Moment& now)>& holds)
      const;

  // Calls `see` with each moment that says something about the lap: those within, and the first
  // after it where none is at its end.
  void ForEach(const std::function<void(const Moment&)>& see) const;

  const std::deque<Moment>& moments() const { return moments_; }
  TimePoint begin() const { return begin_; }
  TimePoint end() const { return end_; }

 private:
  bool StepsBack(std::optional<double> Moment::*counter) const;
  std::optional<double> At(TimePoint time, std::optional<double> Moment::*counter) const;

  const std::deque<Moment>& moments_;
  const TimePoint begin_, end_;
};

}  // namespace laptime::agent
