#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/age.h"
#include "server/import_results.h"
#include "storage/reader.h"

namespace laptime {

// One side of a comparison. Each of its runs has a value (storage/run_value.h).
struct RunSelection {
  std::string selection;
  // Of one workload, and one of both has entries: what was measured elsewhere is never pooled with
  // what was measured here.
  std::vector<storage::Reader::MeasuredRun> runs;
  std::vector<ElsewhereResult> imported;
  int left_out = 0;  // runs that match but do not count (contaminated, invalid)

  const std::string& workload_hash() const;
  const std::string& workload() const;
  size_t size() const { return runs.size() + imported.size(); }
};

// The runs that succeeded and match a selection: a run, a job, a device, or conditions of the
// filter language (storage/run_conditions.h). Those that do not count are left out, unless the
// selection names a run or says which validity is meant. `now`: what `since` counts back from.
// kNotFound: nothing matches; kInvalidArgument: the selection is not understood, or holds several
// workloads.
absl::StatusOr<RunSelection> SelectRuns(const storage::Reader& reader, const std::string& selection,
                                        int64_t now_unix_ms);

// What people are shown of a workload's hash, and may select it by.
std::string ShortHash(const std::string& hash);

}  // namespace laptime
