#include "storage/sqlite_store.h"

#include <SQLiteCpp/Database.h>

#include <filesystem>
#include <future>
#include <system_error>
#include <utility>

#include "proto/support/status.h"
#include "storage/backup.h"
#include "storage/schema.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

absl::Status Check(const StoreOptions& options) {
  if (options.path.empty()) return absl::InvalidArgumentError("no database path");
  if (options.group_size < 1 || options.max_queued < 1 || options.readers < 1) {
    return absl::InvalidArgumentError(
        "database: group size, queue and number of readers are at least 1");
  }
  return absl::OkStatus();
}

// Two names of one file are one lock.
absl::StatusOr<FileLock> LockBeside(const std::string& path) {
  std::error_code unknown;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, unknown);
  const std::string file = unknown ? path : real.string();
  return FileLock::Acquire(file + ".lock", "database " + path,
                           "another coordinator runs on it: stop that one, or choose another with "
                           "--state");
}

absl::Status QueueIsFull() {
  return absl::ResourceExhaustedError("writing: too much is waiting for the database");
}

double BytesOf(const std::string& file) {
  std::error_code missing;
  const std::uintmax_t bytes = std::filesystem::file_size(file, missing);
  return missing ? 0 : static_cast<double>(bytes);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const StoreOptions& options) {
  LAPTIME_RETURN_IF_ERROR(Check(options));
  LAPTIME_RETURN_IF_ERROR(MakeDirectoryOf(options.path));
  absl::StatusOr<FileLock> lock = LockBeside(options.path);
  if (!lock.ok()) return lock.status();
  RemoveStaleCopies(options.path);
  auto database = OpenDatabase(options.path, {});
  if (!database.ok()) return database.status();
  LAPTIME_RETURN_IF_ERROR(Migrate(**database, kApplicationId, Migrations()));
  LAPTIME_RETURN_IF_ERROR(
      Guard("preparing database " + options.path, [&] { KeepChangesInMemory(**database); }));
  auto readers = ReaderPool::Open(options.path, options.readers, options.read_limit);
  if (!readers.ok()) return readers.status();
  return std::make_unique<SqliteStore>(options, *std::move(lock), *std::move(database),
                                       *std::move(readers));
}

SqliteStore::SqliteStore(const StoreOptions& options, FileLock lock,
                         std::unique_ptr<SQLite::Database> database,
                         std::unique_ptr<ReaderPool> readers)
    : path_(options.path),
      lock_(std::move(lock)),
      database_(std::move(database)),
      readers_(std::move(readers)),
      writer_(*database_, options) {}

SqliteStore::~SqliteStore() = default;

absl::Status SqliteStore::Write(Work work) {
  // Shared: the writer may still be leaving set_value when the result is here.
  const auto outcome = std::make_shared<std::promise<absl::Status>>();
  const bool added = writer_.Add(
      std::move(work), [outcome](const absl::Status& status) { outcome->set_value(status); },
      GroupWriter::Wait::kSomebodyWaits);
  return added ? outcome->get_future().get() : QueueIsFull();
}

void SqliteStore::WriteAsync(Work work, Done done) {
  if (writer_.Add(std::move(work), std::move(done), GroupWriter::Wait::kNobodyWaits)) return;
  // Add takes a reference and moves from it only when it takes the work.
  if (done) done(QueueIsFull());  // NOLINT(bugprone-use-after-move)
}

void SqliteStore::Drain() { writer_.Drain(); }

absl::Status SqliteStore::Tidy(Space space) {
  const auto outcome = std::make_shared<std::promise<absl::Status>>();
  const bool added = writer_.AddAlone(
      [space](SQLite::Database& database) {
        return Guard("tidying the database", [&] {
          if (space == Space::kReturn) Compact(database);
          EmptyLog(database);
        });
      },
      [outcome](const absl::Status& status) { outcome->set_value(status); });
  return added ? outcome->get_future().get() : QueueIsFull();
}

absl::Status SqliteStore::Read(const std::function<absl::Status(const Reader&)>& query) {
  return readers_->Run(query);
}

int SqliteStore::schema_version() const { return static_cast<int>(Migrations().size()); }

double SqliteStore::database_bytes() const { return BytesOf(path_) + BytesOf(path_ + "-wal"); }

}  // namespace laptime::storage
