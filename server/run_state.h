#pragma once

#include <string>

#include "laptime/v1/common.pb.h"

namespace laptime {

// Which state may follow which. Pure.
//
//   run:      QUEUED → ASSIGNED → RUNNING → SUCCEEDED | FAILED; every state before the end →
//   CANCELLED | LOST;
//             ASSIGNED and RUNNING → QUEUED when an attempt ends retryably
//   attempt:  SENT → ACCEPTED → RUNNING → SUCCEEDED; every state before the end → FAILED |
//   CANCELLED | LOST
bool CanMove(v1::RunState from, v1::RunState to);
bool CanMove(v1::AttemptState from, v1::AttemptState to);

bool IsEnd(v1::RunState state);
bool IsEnd(v1::AttemptState state);

// "QUEUED", without the enum's prefix.
std::string Name(v1::RunState state);

}  // namespace laptime
