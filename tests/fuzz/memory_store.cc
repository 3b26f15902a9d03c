#include "tests/fuzz/memory_store.h"

#include "storage/schema.h"
#include "storage/sqlite/database.h"
#include "tests/fuzz/harness.h"

namespace laptime::fuzz {

MemoryStore::MemoryStore() {
  auto opened = storage::OpenDatabase(":memory:", {});
  Must(opened.ok(), "a database in memory opens");
  database_ = *std::move(opened);
  Must(storage::Migrate(*database_, storage::kApplicationId, storage::Migrations()).ok(),
       "its schema is made");
  transaction_ = std::make_unique<storage::Transaction>(*database_);
}

MemoryStore::~MemoryStore() = default;

void MemoryStore::Keep() { database_->exec("BEGIN"); }

void MemoryStore::Reset() {
  queue_.clear();
  database_->exec("ROLLBACK");
  database_->exec("BEGIN");
}

absl::Status MemoryStore::Run(const Work& work) {
  database_->exec("SAVEPOINT piece");
  const absl::Status status =
      storage::Guard("writing", [&]() -> absl::Status { return work(*transaction_); });
  if (!status.ok()) database_->exec("ROLLBACK TO piece");
  database_->exec("RELEASE piece");
  return status;
}

absl::Status MemoryStore::Write(Work work) {
  absl::Status outcome;
  WriteAsync(std::move(work), [&](const absl::Status& status) { outcome = status; });
  return outcome;
}

// What `done` asks for waits for its turn, as it does on a writer thread.
void MemoryStore::WriteAsync(Work work, Done done) {
  queue_.emplace_back(std::move(work), std::move(done));
  if (running_) return;
  running_ = true;
  while (!queue_.empty()) {
    const auto [next, told] = std::move(queue_.front());
    queue_.pop_front();
    const absl::Status status = Run(next);
    if (told) told(status);
  }
  running_ = false;
}

absl::Status MemoryStore::Read(const std::function<absl::Status(const storage::Reader&)>& query) {
  return storage::Guard("reading", [&]() -> absl::Status { return query(*transaction_); });
}

int MemoryStore::schema_version() const { return static_cast<int>(storage::Migrations().size()); }

}  // namespace laptime::fuzz
