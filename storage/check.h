#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"
#include "storage/sqlite/backup.h"

namespace laptime::storage {

// Places counted for each check, and told of them.
inline constexpr int kMostWrong = 1000;
inline constexpr int kMostExamples = 5;

// Whether the database at `path` is whole (SQLite's own checks) and keeps the promise: every epoch
// once for each attempt and none missing, attempts numbered without a gap, states that agree. Of a
// file that is not whole only that is told. One moment of it, read on a connection of its own while
// others write; it takes seconds for each gigabyte. kCancelled: `stop` said so.
absl::StatusOr<v1::CheckDatabaseResponse> CheckDatabase(const std::string& path, const Stop& stop);

}  // namespace laptime::storage
