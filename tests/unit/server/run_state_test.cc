#include "server/run_state.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

TEST(RunStateTest, FollowsTheLifeOfARun) {
  EXPECT_TRUE(CanMove(v1::RUN_STATE_QUEUED, v1::RUN_STATE_ASSIGNED));
  EXPECT_TRUE(CanMove(v1::RUN_STATE_ASSIGNED, v1::RUN_STATE_RUNNING));
  EXPECT_TRUE(CanMove(v1::RUN_STATE_RUNNING, v1::RUN_STATE_SUCCEEDED));
  EXPECT_TRUE(CanMove(v1::RUN_STATE_RUNNING, v1::RUN_STATE_QUEUED));  // retried
}

TEST(RunStateTest, NothingLeavesAnEnd) {
  for (int from = v1::RunState_MIN; from <= v1::RunState_MAX; ++from) {
    for (int to = v1::RunState_MIN; to <= v1::RunState_MAX; ++to) {
      const auto state = static_cast<v1::RunState>(from);
      EXPECT_FALSE(IsEnd(state) && CanMove(state, static_cast<v1::RunState>(to))) << Name(state);
    }
  }
  for (int from = v1::AttemptState_MIN; from <= v1::AttemptState_MAX; ++from) {
    for (int to = v1::AttemptState_MIN; to <= v1::AttemptState_MAX; ++to) {
      const auto state = static_cast<v1::AttemptState>(from);
      EXPECT_FALSE(IsEnd(state) && CanMove(state, static_cast<v1::AttemptState>(to)));
    }
  }
}

TEST(RunStateTest, AQueuedRunCannotSucceedUnseen) {
  EXPECT_FALSE(CanMove(v1::RUN_STATE_QUEUED, v1::RUN_STATE_RUNNING));
  EXPECT_FALSE(CanMove(v1::RUN_STATE_QUEUED, v1::RUN_STATE_SUCCEEDED));
  EXPECT_FALSE(CanMove(v1::RUN_STATE_ASSIGNED, v1::RUN_STATE_SUCCEEDED));
  EXPECT_FALSE(CanMove(v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_SUCCEEDED));
}

TEST(RunStateTest, EveryRunThatHasNotEndedCanBeCancelledOrLost) {
  for (v1::RunState state : {v1::RUN_STATE_QUEUED, v1::RUN_STATE_ASSIGNED, v1::RUN_STATE_RUNNING}) {
    EXPECT_TRUE(CanMove(state, v1::RUN_STATE_CANCELLED));
    EXPECT_TRUE(CanMove(state, v1::RUN_STATE_LOST));
  }
}

}  // namespace
}  // namespace laptime
