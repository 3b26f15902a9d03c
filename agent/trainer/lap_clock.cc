#include "agent/trainer/lap_clock.h"

#include <utility>

namespace laptime::trainer {
namespace {

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

LapClock::LapClock(Now now, std::function<void()> synchronize)
    : now_(std::move(now)), synchronize_(std::move(synchronize)), start_(now_()), since_(start_) {}

void LapClock::Start() {
  seconds_.fill(0);
  current_ = Phase::kOther;
  start_ = since_ = now_();
}

void LapClock::Enter(Phase phase) {
  if (synchronize_) synchronize_();
  const auto now = now_();
  seconds_[static_cast<size_t>(current_)] += Seconds(now - since_);
  since_ = now;
  current_ = phase;
}

double LapClock::Elapsed() const { return Seconds(now_() - start_); }

LapTime LapClock::Read() const {
  const auto now = now_();
  LapTime time{Seconds(now - start_), seconds_};
  time.phases[static_cast<size_t>(current_)] += Seconds(now - since_);
  return time;
}

}  // namespace laptime::trainer
