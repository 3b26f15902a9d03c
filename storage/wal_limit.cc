#include "storage/wal_limit.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <filesystem>
#include <system_error>

namespace laptime::storage {

WalLimit::WalLimit(SQLite::Database& database, int64_t bytes)
    : database_(database),
      file_(database.getFilename() + "-wal"),
      bytes_(bytes),
      next_try_(bytes) {}

void WalLimit::Keep() {
  std::error_code missing;
  const std::uintmax_t size = std::filesystem::file_size(file_, missing);
  if (missing || static_cast<int64_t>(size) < next_try_) return;
  next_try_ = EmptyLog(database_) ? bytes_ : static_cast<int64_t>(size) + bytes_ / 2;
}

bool EmptyLog(SQLite::Database& database) {
  sqlite3* const handle = database.getHandle();
  const int usual_wait_ms = database.execAndGet("PRAGMA busy_timeout").getInt();
  sqlite3_busy_timeout(handle, WalLimit::kMaxWaitMs);
  const int result = sqlite3_wal_checkpoint_v2(handle, nullptr, SQLITE_CHECKPOINT_TRUNCATE,
                                               /*pnLog=*/nullptr, /*pnCkpt=*/nullptr);
  sqlite3_busy_timeout(handle, usual_wait_ms);
  return result == SQLITE_OK;
}

}  // namespace laptime::storage
