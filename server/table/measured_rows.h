#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/reader.h"

namespace laptime {

// A time is publishable from so many runs on, each with so many laps, or so long, after warm-up.
inline constexpr int kPublishableRuns = 3;
inline constexpr int kPublishableLaps = 5;
inline constexpr double kPublishableSeconds = 30;

struct MeasuredRow {
  v1::TableRow row;
  bool gate_passed = false;  // by every run of it
};

// One row for each device and workload hash whose work has that core (see CoreOf), from the runs
// that count. Where none does, the row has the mark "contaminated" and their times, or "invalid"
// and no time.
absl::StatusOr<std::vector<MeasuredRow>> MeasuredRows(const storage::Reader& reader,
                                                      const std::string& preset,
                                                      const nlohmann::json& core, bool best);

}  // namespace laptime
