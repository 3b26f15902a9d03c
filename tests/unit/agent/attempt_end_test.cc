#include "agent/attempt_end.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace laptime::agent {
namespace {

TEST(StoppedReportTest, TellsACancelledRunFromAStoppedAgent) {
  v1::AttemptRef attempt;
  attempt.set_run_id("run");
  const v1::Report cancelled = StoppedReport(attempt, StopCause::kStopRun, 42);
  EXPECT_EQ(cancelled.stopped().ended_unix_ms(), 42);
  const v1::Report stopped = StoppedReport(attempt, StopCause::kAgentStopping, 42);
  EXPECT_EQ(stopped.failed().cause(), v1::FAILURE_CAUSE_INFRASTRUCTURE);
  EXPECT_EQ(stopped.attempt().run_id(), "run");
}

TEST(DescribeTest, NamesSignalsAndCodes) {
  EXPECT_EQ(Describe({std::nullopt, SIGKILL}), "signal 9 (SIGKILL)");
  EXPECT_EQ(Describe({std::nullopt, SIGSEGV}), "signal 11 (SIGSEGV)");
  EXPECT_EQ(Describe({7, std::nullopt}), "exit code 7");
}

}  // namespace
}  // namespace laptime::agent
