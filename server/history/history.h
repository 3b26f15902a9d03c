#pragma once

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"

namespace laptime {

// An answer has the newest so many runs, and fits into one message.
inline constexpr int kMostHistoryRuns = 10'000;
// The newest ones of all that people said of those; 1,000 characters each at most.
inline constexpr int kMostAnnotationsShown = 500;

// How times developed: the runs that succeeded, in series of one workload, device and software
// segment, each judged (judgement.h) and of at most kMostRunsFitted runs. Runs whose software is
// not known are a series without a segment, unjudged: they may differ in it. Results from elsewhere
// are series of one point, unjudged, and left out when only runs since a time are asked for: they
// have none. kNotFound: no such device or workload. kInvalidArgument: a selector or the filter is
// not understood. `now`: what the filter's ages count back from.
absl::StatusOr<v1::GetHistoryResponse> BuildHistory(const storage::Reader& reader,
                                                    const v1::GetHistoryRequest& request,
                                                    int64_t now_unix_ms);

}  // namespace laptime
