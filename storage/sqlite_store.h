#pragma once

#include <memory>
#include <string>

#include "storage/group_writer.h"
#include "storage/reader_pool.h"
#include "storage/sqlite/file_lock.h"
#include "storage/store.h"

namespace laptime::storage {

// The Store on one SQLite file. Made by Store::Open.
class SqliteStore : public Store {
 public:
  SqliteStore(const StoreOptions& options, FileLock lock,
              std::unique_ptr<SQLite::Database> database, std::unique_ptr<ReaderPool> readers);
  ~SqliteStore() override;

  absl::Status Write(Work work) override;
  void WriteAsync(Work work, Done done) override;
  void Drain() override;
  absl::Status Read(const std::function<absl::Status(const Reader&)>& query) override;
  absl::Status Tidy(Space space) override;
  int schema_version() const override;
  double database_bytes() const override;

 private:
  const std::string path_;
  // In this order: the lock is let go last, and the writing connection, closing after all others,
  // empties the log.
  const FileLock lock_;
  const std::unique_ptr<SQLite::Database> database_;
  const std::unique_ptr<ReaderPool> readers_;
  GroupWriter writer_;
};

}  // namespace laptime::storage
