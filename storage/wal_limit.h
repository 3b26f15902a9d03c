#pragma once

#include <cstdint>
#include <string>

namespace SQLite {
class Database;
}

namespace laptime::storage {

// Copies the log into the database and empties it, where no reader is in it or leaves it within
// WalLimit::kMaxWaitMs; false otherwise. On the writing connection, outside of a transaction.
bool EmptyLog(SQLite::Database& database);

// Keeps the write-ahead log small while readers come and go without a pause.
//
// SQLite copies the log into the database by itself, but begins it anew only at a moment when
// nobody reads from it, and under steady reading there is none. Past `bytes` this waits, for
// kMaxWait at most, for the readers that are in the log; new ones do not enter it meanwhile.
// Belongs to the writer's thread; `database` is its connection and must outlive this.
class WalLimit {
 public:
  static constexpr int64_t kBytes = 32 * 1024 * 1024;
  static constexpr int kMaxWaitMs = 200;

  explicit WalLimit(SQLite::Database& database, int64_t bytes = kBytes);

  // Call after a commit. Never fails: what could not be done now is tried again when the log has
  // grown by a further half of the limit, or has shrunk and grown to it again.
  void Keep();

 private:
  SQLite::Database& database_;
  const std::string file_;
  const int64_t bytes_;
  int64_t next_try_;         // the size from which the log is begun anew
  int64_t last_failed_ = 0;  // its size when that failed; 0: it did not
};

}  // namespace laptime::storage
