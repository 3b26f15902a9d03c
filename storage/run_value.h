#pragma once

#include <optional>

#include "laptime/v1/control.pb.h"

namespace laptime::storage {

// A run's value, in seconds an epoch: the estimate of a quick run, or else its median lap; with
// `whole_fit` its whole fit / epochs where that is known, as published tables have it. Nothing
// without a time above 0.
std::optional<double> RunValue(const v1::Run& run, bool whole_fit = false);

// The same (without `whole_fit`) as SQL about the row of table `run`; may be NULL.
inline constexpr char kRunValueSql[] =
    "coalesce((SELECT estimated_epoch_seconds FROM attempt WHERE attempt.run = run.key AND "
    "attempt.number = run.attempt), run.median_epoch_seconds)";

// When a run was, as SQL: its start, or its creation without one. In milliseconds since
// 1970; histories are in this order, and `since` and `until` are about it.
inline constexpr char kRunTimeSql[] = "coalesce(run.started_unix_ms, run.created_unix_ms)";

}  // namespace laptime::storage
