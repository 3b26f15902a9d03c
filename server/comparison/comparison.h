#pragma once

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"

namespace laptime {

// `b` against `a` (the baseline), as the messages say. The unit is the run, since laps of one run
// are correlated: its value is the median lap, the estimate of a quick run, or, against whole fits
// that others published, the whole fit / epochs. `now`: what "since" counts back from. Codes as
// SelectRuns.
absl::StatusOr<v1::Comparison> BuildComparison(const storage::Reader& reader,
                                               const v1::CompareRunsRequest& request,
                                               int64_t now_unix_ms);

}  // namespace laptime
