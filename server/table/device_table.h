#pragma once

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"

namespace laptime {

// Devices side by side on one workload: the rows of `laptime table`.
//
// A measured row stands for one device and one variant of the workload (its hash). Limited and
// synthetic variants of the preset are shown too, marked, without a ratio, and never in one row
// with full ones. A limited variant's time is an estimate of the full lap: full steps × median step
// + evaluation time × full images / evaluated images. A best table has one row for each device: its
// fastest batch size and precision of which every run passed the learning gate. kInvalidArgument
// for an unknown workload, kNotFound for a baseline that is not in the table or may claim no ratio.
absl::StatusOr<v1::GetTableResponse> BuildTable(const storage::Reader& reader,
                                                const v1::GetTableRequest& request);

}  // namespace laptime
