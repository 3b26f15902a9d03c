#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "storage/reader.h"
#include "storage/sqlite/backup.h"

namespace laptime::storage {

// A read-only connection of one's own for work that takes longer than a query may: the readers of
// Store stay free. The write-ahead log cannot shrink while a transaction on it is open. Belongs to
// one thread.
class LongRead {
 public:
  // `stop` is asked every few milliseconds while SQLite works; true ends the statement with
  // kUnavailable, see Ended. It must be callable as long as this lives.
  static absl::StatusOr<std::unique_ptr<LongRead>> Open(const std::string& path, Stop stop);
  ~LongRead();

  SQLite::Database& database() { return *database_; }
  const Reader& reader() const { return *reader_; }

  // `status`, or kCancelled where `stop` is what ended it.
  absl::Status Ended(const absl::Status& status) const;

 private:
  LongRead(std::unique_ptr<SQLite::Database> database, Stop stop);

  const Stop stop_;
  const std::unique_ptr<SQLite::Database> database_;
  const std::unique_ptr<Reader> reader_;
};

}  // namespace laptime::storage
