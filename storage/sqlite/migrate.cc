#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>

#include <filesystem>

#include "storage/sqlite/backup.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

int Number(SQLite::Database& database, const std::string& sql) {
  return database.execAndGet(sql).getInt();
}

absl::Status CheckOwner(SQLite::Database& database, int application_id, int version) {
  const int found = Number(database, "PRAGMA application_id");
  if (found == application_id) return absl::OkStatus();
  const bool fresh =
      found == 0 && version == 0 && Number(database, "SELECT count(*) FROM sqlite_schema") == 0;
  if (fresh) return absl::OkStatus();
  return absl::FailedPreconditionError("database " + database.getFilename() +
                                       " belongs to another program\nchoose another with --state");
}

void Apply(SQLite::Database& database, int application_id, const std::string& migration,
           int version) {
  SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
  database.exec(migration);
  database.exec("PRAGMA application_id = " + std::to_string(application_id));
  database.exec("PRAGMA user_version = " + std::to_string(version));
  transaction.commit();
}

absl::Status MigrateOrThrow(SQLite::Database& database, int application_id,
                            const std::vector<std::string>& migrations) {
  const int known = static_cast<int>(migrations.size());
  const int version = Number(database, "PRAGMA user_version");
  const absl::Status owner = CheckOwner(database, application_id, version);
  if (!owner.ok()) return owner;
  if (version < 0) {
    return absl::DataLossError("database " + database.getFilename() +
                               " is damaged: its schema is " + std::to_string(version) +
                               "\nrestore it from a backup, or choose another with --state");
  }
  if (version > known) {
    return absl::FailedPreconditionError(
        "database " + database.getFilename() + " has schema " + std::to_string(version) +
        ", this program knows up to " + std::to_string(known) +
        "\nuse the newer laptime that wrote it, or choose another with --state");
  }
  if (version > 0 && version < known) {
    const absl::Status copied = CopyBeforeMigration(database, version + 1);
    if (!copied.ok()) return copied;
  }
  for (int next = version; next < known; ++next) {
    Apply(database, application_id, migrations[next], next + 1);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Migrate(SQLite::Database& database, int application_id,
                     const std::vector<std::string>& migrations) {
  const std::string doing = "migrating database " + database.getFilename();
  try {
    return Guard(doing, [&] { return MigrateOrThrow(database, application_id, migrations); });
  } catch (const std::filesystem::filesystem_error& error) {
    return absl::FailedPreconditionError(doing + ": " + error.what());
  }
}

}  // namespace laptime::storage
