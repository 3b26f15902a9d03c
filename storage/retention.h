#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/sqlite/backup.h"
#include "storage/store.h"

namespace laptime::storage {

// Samples and logs of a run are kept for so many days after its end. Epochs are kept for ever.
inline constexpr double kKeepDays = 180;
// Rows that go in one transaction: the writer is busy with them for some ten milliseconds.
inline constexpr int kRowsAtATime = 5000;

// Removes the samples and logs of runs that ended more than `keep_days` before `now_unix_ms`, in
// small pieces between those of others, then empties the write-ahead log; with `compact` the file
// shrinks, too. `path` is the store's file. Idempotent. kCancelled: `stop` said so; what went by
// then is gone.
absl::StatusOr<v1::CollectGarbageResponse> CollectGarbage(Store& store, const std::string& path,
                                                          const v1::CollectGarbageRequest& request,
                                                          int64_t now_unix_ms, const Stop& stop);

}  // namespace laptime::storage
