#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "agent/attempt.h"
#include "agent/attempt_log.h"
#include "agent/attempt_record.h"
#include "agent/child_process.h"
#include "agent/silence.h"
#include "agent/stop_request.h"
#include "agent/telemetry/sampler.h"
#include "agent/trainer_events.h"
#include "proto/support/clock.h"

namespace laptime::agent {

struct TrainerLimits {
  std::chrono::milliseconds stall_timeout = kStallTimeout;
  // Between SIGTERM and SIGKILL.
  std::chrono::milliseconds stop_grace = std::chrono::seconds(3);
  // For leaving after `finished` or `failed`.
  std::chrono::milliseconds exit_grace = std::chrono::seconds(10);
  // Between SIGKILL and the run's end all the same: a process that a driver holds cannot die.
  std::chrono::milliseconds death_grace = std::chrono::seconds(60);
};

// How the trainer's process came to its end.
struct TrainerEnd {
  ChildExit exit;
  std::optional<StopCause> stopped;  // it was asked to stop before it had said how it ended
  std::optional<std::string>
      killed_for;     // the agent killed it: "printed a line that is no event: …"
  bool told = false;  // the attempt's end is spooled: it did not die in time
};

// Follows one trainer until it is gone: its lines become reports, its other words the log. Stops it
// when asked, kills it when it is silent for too long or talks nonsense.
//
// Belongs to the thread that spawned the child. What it is given must outlive it.
class TrainerWatch {
 public:
  TrainerWatch(const Clock& clock, const TrainerLimits& limits, ChildProcess& child,
               AttemptRecord& record, AttemptLog& log, Sampler& sampler, Outbox& outbox,
               StopRequest& stop, AttemptEvents& events);

  // Blocks until the trainer has ended.
  TrainerEnd Run();

 private:
  using TimePoint = std::chrono::steady_clock::time_point;

  void TakeOutput(const std::string& bytes);
  void Terminate(std::chrono::milliseconds grace);
  void Kill(const std::string& why);
  void CheckStop();
  void CheckTimes();
  void TellEnd();
  void PostPending(bool all);
  TimePoint NextDeadline(TimePoint now) const;

  const Clock& clock_;
  const TrainerLimits limits_;
  ChildProcess& child_;
  AttemptRecord& record_;
  AttemptLog& log_;
  Sampler& sampler_;
  Outbox& outbox_;
  StopRequest& stop_;
  AttemptEvents& events_;

  LineReader lines_;
  TrainerEnd end_;
  Silence silence_;
  std::optional<TimePoint> kill_at_;  // when patience ends
};

}  // namespace laptime::agent
