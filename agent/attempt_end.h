#pragma once

#include "agent/attempt_record.h"
#include "agent/trainer_watch.h"
#include "laptime/v1/agent.pb.h"

namespace laptime::agent {

// The attempt's last report: what the trainer said of its end; else what was done to it; else how
// its process ended.
v1::Report JudgeEnd(const AttemptRecord& record, const TrainerEnd& end, int64_t now_unix_ms);

// A report of a failure that the agent found itself.
v1::Failure NewFailure(v1::FailureCause cause, const std::string& message,
                       const std::string& hint = "");

// The attempt was stopped: by the coordinator, or with this agent.
v1::Report StoppedReport(const v1::AttemptRef& attempt, StopCause cause, int64_t now_unix_ms);

// "signal 9 (SIGKILL)", "exit code 3"
std::string Describe(const ChildExit& exit);

}  // namespace laptime::agent
