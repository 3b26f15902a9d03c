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
  if (missing) return;
  const auto now = static_cast<int64_t>(size);
  // SQLite has begun it anew by itself: what made the last try fail is over.
  if (now < last_failed_) next_try_ = bytes_;
  if (now < next_try_) return;
  const bool emptied = EmptyLog(database_);
  last_failed_ = emptied ? 0 : now;
  next_try_ = emptied ? bytes_ : now + bytes_ / 2;
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
