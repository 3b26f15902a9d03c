#include "agent/telemetry/lap_window.h"

#include <algorithm>
#include <cmath>

namespace laptime::agent {
namespace {

double Seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

std::optional<double> LapWindow::At(TimePoint time, std::optional<double> Moment::*counter) const {
  const Moment* below = nullptr;
  const Moment* above = nullptr;
  for (const Moment& moment : moments_) {
    if (!(moment.*counter)) continue;
    if (moment.at <= time) below = &moment;
    if (moment.at >= time && above == nullptr) above = &moment;
  }
  if (below == nullptr || above == nullptr) return std::nullopt;
  if (below->at == above->at) return *(below->*counter);
  return std::lerp(*(below->*counter), *(above->*counter),
                   Seconds(time - below->at) / Seconds(above->at - below->at));
}

std::optional<double> LapWindow::Growth(std::optional<double> Moment::*counter) const {
  const auto from = At(begin_, counter);
  const auto to = At(end_, counter);
  if (!from || !to || StepsBack(counter)) return std::nullopt;
  return std::max(0.0, *to - *from);
}

bool LapWindow::StepsBack(std::optional<double> Moment::*counter) const {
  std::optional<double> before;
  for (const Moment& moment : moments_) {
    const std::optional<double>& now = moment.*counter;
    if (!now) continue;
    if (moment.at > begin_ && before && *now < *before - kCounterJitter) return true;
    if (moment.at >= end_) break;
    before = now;
  }
  return false;
}

const Moment* LapWindow::Last(std::optional<double> Moment::*counter) const {
  const Moment* last = nullptr;
  for (const Moment& moment : moments_) {
    if (moment.at <= end_ && moment.*counter) last = &moment;
  }
  return last;
}

std::optional<double> LapWindow::Share(
    const std::function<std::optional<bool>(const Moment& before, const Moment& now)>& holds)
    const {
  double told = 0, held = 0;
  for (size_t i = 1; i < moments_.size(); ++i) {
    const Moment& before = moments_[i - 1];
    const Moment& now = moments_[i];
    const double overlap = Seconds(std::min(now.at, end_) - std::max(before.at, begin_));
    if (!(overlap > 0)) continue;
    const std::optional<bool> answer = holds(before, now);
    if (!answer) continue;
    told += overlap;
    if (*answer) held += overlap;
  }
  if (!(told > 0) || told < kLeastCoverage * seconds()) return std::nullopt;
  return held / told;
}

void LapWindow::ForEach(const std::function<void(const Moment&)>& see) const {
  for (const Moment& moment : moments_) {
    if (moment.at > begin_) see(moment);
    if (moment.at >= end_) return;
  }
}

}  // namespace laptime::agent
