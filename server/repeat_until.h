#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/transaction.h"

namespace laptime {

// Jobs that repeat until they know a device's time well enough ("--until 1%").
//
// Such a job begins with `repeats` runs on each device. When all its runs on a device have ended it
// stops there, or gets one more run: it stops when the 95 % interval of the geometric mean of the
// runs that count (RelativeHalfWidth in run_statistics.h) is within ± until_percent, with
// kFewestRepeatsUntil of them at least; when the last two runs failed; when one was cancelled or
// lost; and at most_repeats. Runs that do not count (contaminated, invalid) are runs all the same
// there, so that a machine that is never quiet ends, too.
//
// It is a rule for when to stop, and the interval at which it stopped is a little too narrow, since
// the scatter of the runs so far decides when that is (Chow and Robbins, Annals of Mathematical
// Statistics 36, 1965). Simulated with 3 to 10 runs and normal logarithms, 20,000 jobs a case, it
// holds the true mean in 94.9 % of all jobs when a run scatters (standard deviation) by half of
// what is asked, 92.3 % when by as much, 90.5 % when by 1.5 times as much, 92.8 % when by three
// times.

inline constexpr char kRepeatsGoOn[] = "goes on";
inline constexpr char kRepeatsNarrow[] = "narrow enough";
inline constexpr char kRepeatsSpent[] = "most repeats";
inline constexpr char kRepeatsCancelled[] = "cancelled";
inline constexpr char kRepeatsFailing[] = "failing";

// How far the job is on the devices of its `runs`, by device; empty when it does not repeat until.
std::vector<v1::DeviceRepeats> JudgeRepeats(const v1::Job& job, const std::vector<v1::Run>& runs);

// The run that the job needs on the device of `ended`, the last of its runs there that had not
// ended; nothing when it stops there, or others are still to end.
absl::StatusOr<std::optional<storage::NewRun>> NextRepetition(const storage::Reader& reader,
                                                              const v1::Job& job,
                                                              const storage::RunRow& ended,
                                                              int64_t now_unix_ms);

}  // namespace laptime
