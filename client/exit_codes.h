#pragma once

#include "absl/status/status.h"
#include "laptime/v1/common.pb.h"

namespace laptime::client {

// What `laptime` returns to the shell. People script against these numbers: they never change.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitNotAllowed = 4;
inline constexpr int kExitUnreachable = 5;
inline constexpr int kExitNoDevice = 6;
inline constexpr int kExitRunFailed = 7;
inline constexpr int kExitRunCancelled = 8;
inline constexpr int kExitSlower = 9;  // than compare --fail-if-slower allows
inline constexpr int kExitTimedOut = 124;
inline constexpr int kExitInterrupted = 130;

// The only map from a status to an exit code.
int ExitCodeFor(const absl::Status& status);

// The exit code of a command that waited for a job or a run which ended like this.
int ExitCodeFor(v1::JobState state);
int ExitCodeFor(v1::RunState state);

// Whether the code says how a job or a run ended, rather than that its end was not seen.
bool IsAnEnd(int code);

}  // namespace laptime::client
