#include "agent/attempt_end.h"

#include <csignal>

#include "agent/trainer/contract.h"

namespace laptime::agent {
namespace {

constexpr char kSeeLog[] = "its last lines are in the run's log";

std::string SignalName(int signal) {
  switch (signal) {
    case SIGKILL:
      return " (SIGKILL)";
    case SIGSEGV:
      return " (SIGSEGV)";
    case SIGABRT:
      return " (SIGABRT)";
    case SIGBUS:
      return " (SIGBUS)";
    case SIGFPE:
      return " (SIGFPE)";
    case SIGILL:
      return " (SIGILL)";
    case SIGTERM:
      return " (SIGTERM)";
    case SIGINT:
      return " (SIGINT)";
    default:
      return "";
  }
}

v1::Failure ProcessFailure(const ChildExit& exit) {
  if (exit.signal) {
    const char* hint = *exit.signal == SIGKILL
                           ? "the kernel kills so when memory runs out; its last lines are in the "
                             "run's log"
                           : kSeeLog;
    return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, "trainer was killed by " + Describe(exit),
                      hint);
  }
  if (exit.code == trainer::kExitUsage) {
    return NewFailure(
        v1::FAILURE_CAUSE_SETUP, "trainer did not understand its configuration (exit code 2)",
        "agent and trainer are of different versions, or the run's log says what is wrong");
  }
  if (exit.code == trainer::kExitOk) {
    return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, "trainer ended without finishing the run",
                      kSeeLog);
  }
  return NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, "trainer ended with " + Describe(exit),
                    kSeeLog);
}

}  // namespace

v1::Report JudgeEnd(const AttemptRecord& record, const TrainerEnd& end, int64_t now_unix_ms) {
  v1::Report report = record.NewReport();
  if (end.killed_for) {
    *report.mutable_failed() =
        NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, "trainer " + *end.killed_for, kSeeLog);
  } else if (record.finished()) {
    return record.FinishedReport();
  } else if (end.stopped) {
    return StoppedReport(report.attempt(), *end.stopped, now_unix_ms);
  } else if (record.failed()) {
    *report.mutable_failed() = *record.failed();
  } else {
    *report.mutable_failed() = ProcessFailure(end.exit);
  }
  return report;
}

v1::Failure NewFailure(v1::FailureCause cause, const std::string& message,
                       const std::string& hint) {
  v1::Failure failure;
  failure.set_cause(cause);
  failure.set_message(message);
  failure.set_hint(hint);
  return failure;
}

v1::Report StoppedReport(const v1::AttemptRef& attempt, StopCause cause, int64_t now_unix_ms) {
  v1::Report report;
  *report.mutable_attempt() = attempt;
  if (cause == StopCause::kStopRun) {
    report.mutable_stopped()->set_ended_unix_ms(now_unix_ms);
  } else {
    *report.mutable_failed() =
        NewFailure(v1::FAILURE_CAUSE_INFRASTRUCTURE, "the agent was stopped during the run",
                   "it runs again when the agent is back, if retries are left");
  }
  return report;
}

std::string Describe(const ChildExit& exit) {
  if (exit.signal) return "signal " + std::to_string(*exit.signal) + SignalName(*exit.signal);
  return "exit code " + std::to_string(exit.code.value_or(-1));
}

}  // namespace laptime::agent
