#include "agent/trainer_watch.h"

#include <algorithm>
#include <csignal>

#include "agent/attempt_end.h"
#include "proto/support/status.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;

// Between two looks at a process that SIGKILL has not ended yet.
constexpr milliseconds kKillPeriod{100};

}  // namespace

TrainerWatch::TrainerWatch(const Clock& clock, const TrainerLimits& limits, ChildProcess& child,
                           AttemptRecord& record, AttemptLog& log, Sampler& sampler, Outbox& outbox,
                           StopRequest& stop, AttemptEvents& events)
    : clock_(clock),
      limits_(limits),
      child_(child),
      record_(record),
      log_(log),
      sampler_(sampler),
      outbox_(outbox),
      stop_(stop),
      events_(events) {}

TrainerEnd TrainerWatch::Run() {
  for (bool ended = false; !ended;) {
    const auto now = clock_.Now();
    const auto wait =
        std::max(std::chrono::ceil<milliseconds>(NextDeadline(now) - now), milliseconds(0));
    const ChildProcess::Output output = child_.Wait(stop_.fd(), wait);
    silence_.Waited(wait, clock_.Now() - now);
    log_.Append(output.err);
    TakeOutput(output.out);
    CheckStop();
    CheckTimes();
    PostPending(/*all=*/false);
    ended = output.ended;
  }
  end_.exit = child_.Reap();
  // A last line without its line break, unless the trainer died while it wrote it.
  if (ParseTrainerEvent(lines_.rest()).ok()) TakeOutput("\n");
  PostPending(/*all=*/true);
  return end_;
}

void TrainerWatch::TakeOutput(const std::string& bytes) {
  // Once it is being killed for nonsense nothing it says counts; after a stop its `finished` still
  // does.
  if (bytes.empty() || end_.killed_for) return;
  auto lines = lines_.Append(bytes);
  if (!lines.ok()) return Kill(MessageOf(lines.status()));
  for (const std::string& line : *lines) {
    silence_.Broken();
    auto event = ParseTrainerEvent(line);
    absl::Status status = event.ok() ? record_.Take(*std::move(event)) : event.status();
    if (!status.ok()) return Kill(MessageOf(status));
  }
  if (auto progress = record_.TakeProgress()) events_.OnProgress(*std::move(progress));
  const bool said_its_end = record_.finished() || record_.failed();
  if (said_its_end && !kill_at_) kill_at_ = clock_.Now() + limits_.exit_grace;
  events_.OnReport();
}

void TrainerWatch::Terminate(milliseconds grace) {
  child_.Signal(SIGTERM);
  kill_at_ = clock_.Now() + grace;
}

void TrainerWatch::Kill(const std::string& why) {
  if (!end_.killed_for) end_.killed_for = why;
  kill_at_ = clock_.Now();
  child_.Signal(SIGKILL);
}

void TrainerWatch::CheckStop() {
  const auto cause = stop_.cause();
  if (!cause || end_.stopped) return;
  stop_.Drain();
  if (record_.finished() || record_.failed()) {
    kill_at_ = std::min(kill_at_.value_or(TimePoint::max()), clock_.Now() + limits_.stop_grace);
    return;
  }
  end_.stopped = cause;
  log_.Remark("stopping the trainer");
  Terminate(limits_.stop_grace);
}

void TrainerWatch::CheckTimes() {
  const auto now = clock_.Now();
  if (kill_at_) {
    if (now >= *kill_at_) child_.Signal(SIGKILL);
    if (now - *kill_at_ >= limits_.death_grace && !end_.told) TellEnd();
  } else if (silence_.length() >= limits_.stall_timeout) {
    Kill(NoSignOfLife(limits_.stall_timeout));
  }
}

// Its run ends, the machine stays taken. Another attempt would only wait here, so this is no
// failure that is tried again.
void TrainerWatch::TellEnd() {
  end_.told = true;
  log_.Remark("the trainer was killed and does not end");
  log_.PostAll();
  v1::Report report = record_.NewReport();
  if (record_.finished() && !end_.killed_for) {
    report = record_.FinishedReport();
  } else {
    *report.mutable_failed() = NewFailure(
        v1::FAILURE_CAUSE_SETUP, "the trainer was killed and does not end: a driver hangs",
        "restart the machine; until then nothing else trains there");
  }
  outbox_.Post(std::move(report));
  events_.OnReport();
}

void TrainerWatch::PostPending(bool all) {
  bool posted = false;
  if (auto batch = sampler_.TakeBatch(all)) {
    v1::Report report = record_.NewReport();
    *report.mutable_samples() = *std::move(batch);
    outbox_.Post(std::move(report));
    posted = true;
  }
  posted |= log_.PostDue(clock_.Now());
  if (posted) events_.OnReport();
}

TrainerWatch::TimePoint TrainerWatch::NextDeadline(TimePoint now) const {
  // Samples are taken away once in a while even from a silent trainer.
  TimePoint next = now + kSampleBatchPeriod;
  if (const auto due = log_.next_due()) next = std::min(next, *due);
  if (kill_at_) return std::min(next, *kill_at_ > now ? *kill_at_ : now + kKillPeriod);
  return std::min(next, now + limits_.stall_timeout - silence_.length());
}

}  // namespace laptime::agent
