#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "client/session.h"

namespace laptime::client {

struct FollowOptions {
  std::string only_run;  // id; empty = every run of the job
  bool silent = false;   // no progress, only the end
  bool prints = true;    // what the runs came to, on standard output
  bool detaches = true;  // when stopped: says how to come back
  // Of the whole wait; absent: as --timeout says.
  std::optional<std::chrono::milliseconds> limit = std::nullopt;
};

// Follows a job to its end: live progress on standard error, then the answer on standard output.
// Returns the exit code of how it ended; kExitInterrupted when `stop` was requested, which leaves
// the job running. Shared by `submit`, `fill`, `up --run`, `job watch|wait` and
// `run watch`.
int FollowJob(Session& session, const std::string& job_id, const FollowOptions& options,
              std::stop_token stop);

}  // namespace laptime::client
