#include "storage/sqlite/database.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Statement.h>
#include <sqlite3.h>

#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "proto/support/durable_file.h"

namespace laptime::storage {
namespace {

// The log file shrinks back to this size after a burst.
constexpr int kWalBytes = 64 * 1024 * 1024;

constexpr char kPathHint[] =
    "check that the directory exists and can be written, or choose another with --state";

absl::Status Refused(const std::string& message, const std::string& hint) {
  return absl::FailedPreconditionError(message + "\n" + hint);
}

absl::Status PrepareForWriting(SQLite::Database& database, const std::string& path) {
  if (sqlite3_db_readonly(database.getHandle(), "main") == 1) {
    return Refused("database " + path + " cannot be written", kPathHint);
  }
  SQLite::Statement set_mode(database, "PRAGMA journal_mode = WAL");
  set_mode.executeStep();
  const std::string mode = set_mode.getColumn(0).getString();
  // The mode is told before it is in the file, and an error is told only at the end. Unnoticed it
  // would leave a rollback journal, which may come back after a power cut and undo a commit.
  set_mode.executeStep();
  if (mode != "wal" && mode != "memory") {
    return Refused("database " + path + " cannot use a write-ahead log (mode " + mode + ")",
                   "put it on a local disk");
  }
  database.exec("PRAGMA synchronous = FULL");
#ifdef __APPLE__
  database.exec("PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1");
#endif
  database.exec("PRAGMA journal_size_limit = " + std::to_string(kWalBytes));
  return absl::OkStatus();
}

// What thousands of runs take: with SQLite's 2 MB a table of devices reads all of it anew each
// time, and a commit of many laps writes pages before it is complete.
constexpr int kCacheKib = 16 * 1024;

void SetCache(SQLite::Database& database) {
  database.exec("PRAGMA cache_size = -" + std::to_string(kCacheKib));
}

absl::Status Prepare(SQLite::Database& database, const std::string& path, bool read_only) {
  sqlite3_extended_result_codes(database.getHandle(), 1);
  database.exec("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF");
  if (!read_only) return PrepareForWriting(database, path);
  database.exec("PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0");
  SetCache(database);
  // Reads the header, so that a file that is no database is noticed here.
  database.execAndGet("PRAGMA schema_version");
  return absl::OkStatus();
}

// Errors of opening end with what the operator can do.
absl::Status WithOpenHint(const absl::Status& status) {
  const std::string message(status.message());
  if (message.find('\n') != std::string::npos) return status;
  if (absl::IsFailedPrecondition(status)) return Refused(message, kPathHint);
  if (!absl::IsDataLoss(status)) return status;
  return absl::DataLossError(message + "\nrestore a backup of it, or choose another with --state");
}

}  // namespace

void KeepChangesInMemory(SQLite::Database& database) {
  SetCache(database);
  database.exec("PRAGMA temp_store = MEMORY");
}

void Compact(SQLite::Database& database) {
  const std::string usual_place = database.execAndGet("PRAGMA temp_store").getString();
  database.exec("PRAGMA temp_store = FILE");
  const auto put_back =
      absl::MakeCleanup([&] { database.tryExec("PRAGMA temp_store = " + usual_place); });
  database.exec("VACUUM");
}

absl::Status MakeDirectoryOf(const std::string& path) {
  const std::filesystem::path directory = std::filesystem::path(path).parent_path();
  if (directory.empty()) return absl::OkStatus();
  const std::error_code error = MakePrivateDirectory(directory);
  if (!error) return absl::OkStatus();
  return Refused("cannot create directory " + directory.string() + ": " + error.message(),
                 kPathHint);
}

absl::StatusOr<std::unique_ptr<SQLite::Database>> OpenDatabase(const std::string& path,
                                                               const OpenOptions& options) {
  if (!options.read_only) {
    absl::Status made = MakeDirectoryOf(path);
    if (!made.ok()) return made;
  }
  // No lock around each call, of which there are several for each column: a connection belongs to
  // one thread at a time.
  const int flags =
      SQLite::OPEN_NOMUTEX |
      (options.read_only ? SQLite::OPEN_READONLY : SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  std::unique_ptr<SQLite::Database> database;
  const absl::Status opened = Guard("cannot open database " + path, [&] {
    database = std::make_unique<SQLite::Database>(path, flags,
                                                  static_cast<int>(options.busy_timeout.count()));
    return Prepare(*database, path, options.read_only);
  });
  if (!opened.ok()) return WithOpenHint(opened);
  return database;
}

absl::Status StatusFrom(const std::string& doing, const SQLite::Exception& error) {
  const std::string message = doing + ": " + error.what();
  const int extended = error.getExtendedErrorCode();
  switch (error.getErrorCode() & 0xff) {  // the low byte is the primary code
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message +
                                          "\nfree some space on its disk, then try again");
    case SQLITE_TOOBIG:
    case SQLITE_NOMEM:
      return absl::ResourceExhaustedError(message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
    case SQLITE_IOERR:
      return absl::UnavailableError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return absl::FailedPreconditionError(message);
    case SQLITE_CONSTRAINT:
      if (extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return absl::AlreadyExistsError(message);
      }
      return absl::InvalidArgumentError(message);
    case SQLITE_MISMATCH:
      return absl::InvalidArgumentError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace laptime::storage
