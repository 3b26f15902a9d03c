#pragma once

#include <SQLiteCpp/Database.h>

#include <deque>
#include <memory>
#include <utility>

#include "storage/store.h"

namespace laptime::fuzz {

// A Store over one connection in memory, without threads: what is written is done when WriteAsync
// returns. Reset takes back everything since Keep, so that each input meets the same database and
// needs no new one. Not thread-safe.
class MemoryStore : public storage::Store {
 public:
  MemoryStore();
  ~MemoryStore() override;

  // From here on Reset takes back.
  void Keep();
  void Reset();

  absl::Status Write(Work work) override;
  void WriteAsync(Work work, Done done) override;
  void Drain() override {}
  absl::Status Read(const std::function<absl::Status(const storage::Reader&)>& query) override;
  // There is no log and no file.
  absl::Status Tidy(Space /*space*/) override { return absl::OkStatus(); }
  int schema_version() const override;
  double database_bytes() const override { return 0; }

  SQLite::Database& database() { return *database_; }

 private:
  absl::Status Run(const Work& work);

  std::unique_ptr<SQLite::Database> database_;
  std::unique_ptr<storage::Transaction> transaction_;
  std::deque<std::pair<Work, Done>> queue_;
  bool running_ = false;
};

}  // namespace laptime::fuzz
