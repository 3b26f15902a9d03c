#pragma once

#include <SQLiteCpp/Exception.h>

#include <chrono>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace SQLite {
class Database;
}

namespace laptime::storage {

struct OpenOptions {
  bool read_only = false;
  std::chrono::milliseconds busy_timeout{5000};  // how long to wait for another process's lock
};

// Opens the database file at `path` with the settings that laptime relies on: write-ahead log,
// every commit synced to disk, foreign keys, no trust in the file's own schema. For writing, a
// missing file and its directory are made. kFailedPrecondition: the path cannot be used; kDataLoss:
// the file is no database. Both carry a hint.
//
// Exactly one connection may write (SQLite before 3.51.3 can lose data when two of them
// checkpoint); a read-only one never checkpoints. A connection belongs to one thread at a time.
absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::string& path,
                                                               const OpenOptions& options);

// For a connection that writes many small changes a commit: what a savepoint may have to undo stays
// in memory, where SQLite writes a file beyond 64 KiB of it, and so do the pages that the changes
// of a commit touch. Throws SQLite::Exception.
void KeepChangesInMemory(SQLite::Database& database);

// Rewrites the database without pages that hold nothing. The copy that this takes lies on the disk.
// Throws SQLite::Exception.
void Compact(SQLite::Database& database);

// Makes the directory that `path` lies in, with its parents: its owner's alone when it is new.
// kFailedPrecondition with a hint.
absl::Status MakeDirectoryOf(const std::string& path);

// Brings the schema up to date: `migrations[i]` leads from version i to i + 1, each in a
// transaction of its own, and `user_version` counts them. An existing file is first copied to
// FILE.before-vN, N being the first version that it does not have (see backup.h); without that copy
// nothing is changed. kFailedPrecondition: the file belongs to another program, or to a newer one.
absl::Status Migrate(SQLite::Database& database, int application_id,
                     const std::vector<std::string>& migrations);

// An error of SQLite as a status: "doing: what SQLite says". kResourceExhausted: disk or memory is
// full; kUnavailable: busy, interrupted or an I/O error; kDataLoss: the file is damaged;
// kAlreadyExists: a unique value is taken; kInvalidArgument: another constraint of the schema does
// not hold; kFailedPrecondition: cannot be opened or written; else
// kInternal.
absl::Status StatusFrom(const std::string& doing, const SQLite::Exception& error);

// Runs `body`, which returns nothing, a Status or a StatusOr, and turns SQLite's exceptions into
// its status. `doing` is what the message begins with: "inserting run 7f3a".
template <typename Body>
auto Guard(const std::string& doing, Body&& body) {
  using Result = std::invoke_result_t<Body>;
  using Returned = std::conditional_t<std::is_void_v<Result>, absl::Status, Result>;
  try {
    if constexpr (std::is_void_v<Result>) {
      std::forward<Body>(body)();
      return Returned(absl::OkStatus());
    } else {
      return Returned(std::forward<Body>(body)());
    }
  } catch (const SQLite::Exception& error) {
    return Returned(StatusFrom(doing, error));
  } catch (const std::bad_alloc&) {
    return Returned(absl::ResourceExhaustedError(doing + ": out of memory"));
  }
}

}  // namespace laptime::storage
