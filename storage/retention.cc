#include "storage/retention.h"

#include <SQLiteCpp/Database.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "proto/support/status.h"
#include "storage/long_read.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

constexpr double kMsPerDay = 24 * 60 * 60 * 1000.0;

absl::StatusOr<double> KeepDays(const v1::CollectGarbageRequest& request) {
  const double days = request.has_keep_days() ? request.keep_days() : kKeepDays;
  if (std::isfinite(days) && days >= 0) return days;
  return absl::InvalidArgumentError("gc: days to keep are 0 or more");
}

absl::Status Remove(Store& store, const std::vector<int64_t>& attempts, const Stop& stop) {
  // Shared with the writer's thread, one piece at a time.
  const auto left = std::make_shared<std::vector<int64_t>>(attempts);
  while (!left->empty()) {
    if (stop && stop()) return absl::CancelledError("gc: given up");
    LAPTIME_RETURN_IF_ERROR(store.Write([left](Transaction& transaction) {
      return transaction.RemoveOutput(*left, kRowsAtATime);
    }));
  }
  return absl::OkStatus();
}

absl::StatusOr<double> FreeBytes(SQLite::Database& database) {
  return Guard("reading how much is free", [&]() -> absl::StatusOr<double> {
    return database.execAndGet("PRAGMA freelist_count").getDouble() *
           database.execAndGet("PRAGMA page_size").getDouble();
  });
}

}  // namespace

absl::StatusOr<v1::CollectGarbageResponse> CollectGarbage(Store& store, const std::string& path,
                                                          const v1::CollectGarbageRequest& request,
                                                          int64_t now_unix_ms, const Stop& stop) {
  const absl::StatusOr<double> days = KeepDays(request);
  if (!days.ok()) return days.status();
  auto read = LongRead::Open(path, stop);
  if (!read.ok()) return read.status();
  const double before = std::max(0.0, static_cast<double>(now_unix_ms) - *days * kMsPerDay);
  const absl::StatusOr<OldOutput> old =
      (*read)->reader().OutputOfRunsEndedBefore(static_cast<int64_t>(before));
  if (!old.ok()) return (*read)->Ended(old.status());

  v1::CollectGarbageResponse response;
  response.set_keep_days(*days);
  response.set_runs(old->runs);
  response.set_samples(old->samples);
  response.set_log_bytes(old->log_bytes);
  response.set_bytes_before(store.database_bytes());
  if (!request.dry_run()) {
    LAPTIME_RETURN_IF_ERROR(Remove(store, old->attempts, stop));
    LAPTIME_RETURN_IF_ERROR(
        store.Tidy(request.compact() ? Store::Space::kReturn : Store::Space::kKeep));
  }
  response.set_bytes_after(store.database_bytes());
  const absl::StatusOr<double> free = FreeBytes((*read)->database());
  if (!free.ok()) return free.status();
  response.set_free_bytes(*free);
  return response;
}

}  // namespace laptime::storage
