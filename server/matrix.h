#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"

namespace laptime {

inline constexpr int kDefaultRunsWanted = 3;  // fewer runs are never "different" (run_statistics.h)
inline constexpr int64_t kDefaultFreshSeconds = 30LL * 24 * 3600;
inline constexpr int64_t kMostFreshSeconds = 100LL * 365 * 24 * 3600;

// Devices × workloads × LibTorch: what has been measured, and what is missing. Runs belong to a
// cell by their workload's hash: the number of epochs is no part of it, and of workloads that
// differ in it alone the first one asked for stands for all.
//
// A run counts when it succeeded and is neither contaminated nor invalid. A cell is
// - invalid, when its newest two runs (or its only one) failed or are invalid;
// - missing, when fewer than `runs_wanted` count;
// - stale, when the newest of those that count ended more than `fresh_seconds` ago;
// - fresh otherwise.
// Runs that are queued or under way, and those that failed before they could say what they run on,
// belong to the cell of the LibTorch that the device has now.
//
// `devices` are all known ones, with their states of now. kInvalidArgument: a workload, a setting
// or a selector is not understood, a number is out of range; kFailedPrecondition: no device
// matches.
absl::StatusOr<v1::GetMatrixResponse> BuildMatrix(const storage::Reader& reader,
                                                  const v1::GetMatrixRequest& request,
                                                  const std::vector<storage::DeviceRow>& devices,
                                                  int64_t now_unix_ms);

}  // namespace laptime
