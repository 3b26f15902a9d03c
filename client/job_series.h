#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/fill_plan.h"
#include "laptime/v1/control.pb.h"
#include "proto/support/clock.h"

namespace laptime::client {

// Several jobs, one after the other, as `fill` submits and follows them. What is done with each is
// the caller's.

struct SubmittedSeries {
  v1::ListJobsResponse made;
  absl::Status status;  // why there are no more: a refusal, or kCancelled once `stop` was requested
};

SubmittedSeries SubmitSeries(const std::vector<FillJob>& jobs,
                             const std::function<absl::StatusOr<v1::Job>(const FillJob&)>& submit,
                             std::stop_token stop);

struct FollowedSeries {
  int code = 0;                   // the first bad end is the whole's
  std::vector<std::string> left;  // ids of jobs whose end was not seen
};

// `limit` bounds all together; `follow` gets what is left of it, 0 and more, and returns an exit
// code. One that says no end (see IsAnEnd) stops the series at once.
FollowedSeries FollowSeries(
    const v1::ListJobsResponse& jobs, const Clock& clock,
    std::optional<std::chrono::milliseconds> limit,
    const std::function<int(const std::string& id, std::optional<std::chrono::milliseconds> left)>&
        follow);

}  // namespace laptime::client
