#include "server/run_state.h"

namespace laptime {

bool IsEnd(v1::RunState state) {
  return state == v1::RUN_STATE_SUCCEEDED || state == v1::RUN_STATE_FAILED ||
         state == v1::RUN_STATE_CANCELLED || state == v1::RUN_STATE_LOST;
}

bool IsEnd(v1::AttemptState state) {
  return state == v1::ATTEMPT_STATE_SUCCEEDED || state == v1::ATTEMPT_STATE_FAILED ||
         state == v1::ATTEMPT_STATE_CANCELLED || state == v1::ATTEMPT_STATE_LOST;
}

bool CanMove(v1::RunState from, v1::RunState to) {
  if (from == v1::RUN_STATE_UNSPECIFIED || IsEnd(from)) return false;
  switch (to) {
    case v1::RUN_STATE_QUEUED:
      return from == v1::RUN_STATE_ASSIGNED || from == v1::RUN_STATE_RUNNING;
    case v1::RUN_STATE_ASSIGNED:
      return from == v1::RUN_STATE_QUEUED;
    case v1::RUN_STATE_RUNNING:
      return from == v1::RUN_STATE_ASSIGNED;
    case v1::RUN_STATE_SUCCEEDED:
      return from == v1::RUN_STATE_RUNNING;
    case v1::RUN_STATE_FAILED:
      return from == v1::RUN_STATE_ASSIGNED || from == v1::RUN_STATE_RUNNING;
    case v1::RUN_STATE_CANCELLED:
    case v1::RUN_STATE_LOST:
      return true;
    default:
      return false;
  }
}

bool CanMove(v1::AttemptState from, v1::AttemptState to) {
  if (from == v1::ATTEMPT_STATE_UNSPECIFIED || IsEnd(from)) return false;
  switch (to) {
    case v1::ATTEMPT_STATE_ACCEPTED:
      return from == v1::ATTEMPT_STATE_SENT;
    case v1::ATTEMPT_STATE_RUNNING:
      // A report can overtake the answer to StartRun: the answer is not spooled.
      return from == v1::ATTEMPT_STATE_SENT || from == v1::ATTEMPT_STATE_ACCEPTED;
    case v1::ATTEMPT_STATE_SUCCEEDED:
      return from == v1::ATTEMPT_STATE_RUNNING;
    case v1::ATTEMPT_STATE_FAILED:
    case v1::ATTEMPT_STATE_CANCELLED:
    case v1::ATTEMPT_STATE_LOST:
      return true;
    default:
      return false;
  }
}

std::string Name(v1::RunState state) {
  return v1::RunState_Name(state).substr(sizeof("RUN_STATE_") - 1);
}

}  // namespace laptime
