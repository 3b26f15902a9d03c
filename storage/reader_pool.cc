#include "storage/reader_pool.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

// Between two looks at the clock; a few hundred microseconds.
constexpr int kInstructionsBetweenChecks = 10000;

int IsOver(void* deadline) {
  return std::chrono::steady_clock::now() >= *static_cast<Deadline*>(deadline) ? 1 : 0;
}

}  // namespace

struct ReaderPool::Connection {
  explicit Connection(std::unique_ptr<SQLite::Database> opened)
      : database(std::move(opened)), reader(*database) {
    sqlite3_progress_handler(database->getHandle(), kInstructionsBetweenChecks, IsOver, &deadline);
  }

  std::unique_ptr<SQLite::Database> database;
  Deadline deadline = Deadline::max();
  Reader reader;
};

absl::StatusOr<std::unique_ptr<ReaderPool>> ReaderPool::Open(const std::string& path,
                                                             int connections,
                                                             std::chrono::milliseconds limit) {
  std::unique_ptr<ReaderPool> pool(new ReaderPool(limit));
  MutexLock lock(pool->mu_);
  for (int i = 0; i < connections; ++i) {
    auto database = OpenDatabase(path, {.read_only = true});
    if (!database.ok()) return database.status();
    pool->connections_.push_back(std::make_unique<Connection>(*std::move(database)));
    pool->free_.push_back(pool->connections_.back().get());
  }
  return pool;
}

ReaderPool::ReaderPool(std::chrono::milliseconds limit) : limit_(limit) {}

ReaderPool::~ReaderPool() = default;

absl::Status ReaderPool::Run(const std::function<absl::Status(const Reader&)>& query) {
  Connection* const connection = Take();
  if (connection == nullptr) {
    return absl::UnavailableError("reading: all " + std::to_string(connections_.size()) +
                                  " database readers are busy");
  }
  const absl::Status status = RunOn(*connection, query);
  GiveBack(connection);
  return status;
}

ReaderPool::Connection* ReaderPool::Take() {
  MutexLock lock(mu_);
  freed_.wait_for(mu_, limit_,
                  [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return !free_.empty(); });
  if (free_.empty()) return nullptr;
  Connection* const connection = free_.back();
  free_.pop_back();
  return connection;
}

void ReaderPool::GiveBack(Connection* connection) {
  {
    MutexLock lock(mu_);
    free_.push_back(connection);
  }
  freed_.notify_one();
}

absl::Status ReaderPool::RunOn(Connection& connection,
                               const std::function<absl::Status(const Reader&)>& query) const {
  connection.deadline = std::chrono::steady_clock::now() + limit_;
  const absl::Status status = Guard("reading", [&] {
    SQLite::Transaction transaction(*connection.database);
    return query(connection.reader);
  });
  if (!absl::IsUnavailable(status) || !IsOver(&connection.deadline)) return status;
  return absl::UnavailableError("reading: stopped after " + std::to_string(limit_.count()) + " ms");
}

}  // namespace laptime::storage
