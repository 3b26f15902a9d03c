// Databases of every earlier version of the schema, and what a kill during their migration leaves.

#include <SQLiteCpp/Statement.h>
#include <SQLiteCpp/Transaction.h>
#include <sqlite3.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "proto/support/sha256.h"
#include "storage/check.h"
#include "storage/sqlite_store.h"
#include "tests/testing/promise_row.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

namespace fs = std::filesystem;

using ::laptime::testing::PrintTried;
using ::laptime::testing::TempDir;

// Rows that the first version takes: one of each table.
constexpr char kRows[] = R"sql(
INSERT INTO host VALUES ('h1', 'studio', 'Debian', '6.1', 'cpu', 2, 4, 8e9, '0.1.0', 1, 2);
INSERT INTO device VALUES (1, 'h1', 'cpu', 'cpu', 1, 'model', 'cpu', 2, NULL, 1, 0, 1);
INSERT INTO device_label VALUES (1, 'room', 'b12');
INSERT INTO spool VALUES ('h1', 'spool', 17);
INSERT INTO snapshot VALUES ('cafe', '{}');
INSERT INTO workload VALUES ('abc123', 'simclr-cifar10', '{}');
INSERT INTO job VALUES (1, 'j1', 'key', 'digest', 'abc123', 'simclr-cifar10', '{}', 0, 0, 390, 2, '["all"]', 1, 0, 1000);
INSERT INTO run VALUES (1, 'r1', 1, 1, 'model', 1, 41, 0, 4, 1, 1, 2000, 3000, 9000, NULL, NULL, NULL,
  'cifar10@1a2b', 2, 61.5, 62.25, 5.25, 0.5, 97.5, 0.15, 1e9);
INSERT INTO attempt VALUES (1, 1, 1, 'command', 4, 2500, 3000, 9000, NULL, NULL, NULL, 'cafe', '{}',
  0.5, 0.25, 0.75, 123, 130, 0.5, 1e9, 2);
INSERT INTO epoch (attempt, number, wall_seconds, mean_loss, knn_accuracy, steps, evaluated_images)
  VALUES (1, 1, 62.5, 5.5, 0.4, 390, 10000), (1, 2, 60.5, 5.25, 0.5, 390, 10000);
INSERT INTO sensor VALUES (1, 'gpu', 'percent', 'nvml', 'busy', 1);
INSERT INTO sample VALUES (1, 1, 1000, 97.5), (1, 1, 2000, 98);
INSERT INTO log VALUES (1, 0, 5, 'hello');
INSERT INTO event VALUES (1, 1, 1000, x'0801');
INSERT INTO annotation VALUES (1, 1, 5000, 'me', 'a note');
INSERT INTO result_import VALUES (1, 'beef', '{}', 0, 1000);
)sql";

// The text of all rows of a query.
std::string Text(SQLite::Database& database, const std::string& sql) {
  std::string text;
  SQLite::Statement rows(database, sql);
  while (rows.executeStep()) {
    for (int i = 0; i < rows.getColumnCount(); ++i) text += rows.getColumn(i).getString() + "|";
    text += "\n";
  }
  return text;
}

std::string SchemaOf(SQLite::Database& database) {
  return Text(database, "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name");
}

int VersionOf(SQLite::Database& database) {
  return database.execAndGet("PRAGMA user_version").getInt();
}

std::vector<std::string> FirstMigrations(int count) {
  return {Migrations().begin(), Migrations().begin() + count};
}

// A kill at every so many calls; LAPTIME_FAULTS=long tries them all.
int Stride() {
  const char* const length = std::getenv("LAPTIME_FAULTS");
  return length != nullptr && std::string(length) == "long" ? 1 : 7;
}

const int kNewest = static_cast<int>(Migrations().size());

// A migration that databases have been through stays as it is: a change is a new one.
TEST(MigrationTextsTest, StayAsTheyWere) {
  const std::vector<std::string> pinned = {"735329a9fed0", "0ce3cd0adf03", "7d5a3fbc823b",
                                           "a0b64a758c84", "7925a4ee13ae"};
  std::vector<std::string> found;
  for (const std::string& migration : Migrations())
    found.push_back(Sha256Hex(migration).substr(0, 12));
  EXPECT_EQ(found, pinned) << "a new migration: add its hash; another one: do not change it";
}

// The columns of each table of a schema, and with them what its rows hold.
struct Rows {
  std::vector<std::string> queries;

  static Rows In(SQLite::Database& database) {
    Rows rows;
    SQLite::Statement tables(database,
                             "SELECT name, (SELECT group_concat('quote(\"' || name || '\")') FROM "
                             "pragma_table_info(t.name)) FROM sqlite_schema AS t WHERE type "
                             "= 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name");
    while (tables.executeStep()) {
      rows.queries.push_back("SELECT " + tables.getColumn(1).getString() + " FROM \"" +
                             tables.getColumn(0).getString() + "\" ORDER BY 1, 2");
    }
    return rows;
  }

  std::string Of(SQLite::Database& database) const {
    std::string text;
    for (const std::string& query : queries) text += query + "\n" + Text(database, query);
    return text;
  }
};

// A database of an earlier version with rows in it.
class EarlierVersion {
 public:
  EarlierVersion(const std::string& file, int version) : file_(file), version_(version) {
    auto database = OpenDatabase(file, {}).value();
    EXPECT_OK(Migrate(*database, kApplicationId, FirstMigrations(1)));
    database->exec(kRows);
    EXPECT_OK(Migrate(*database, kApplicationId, FirstMigrations(version)));
    for (int v = 1; v < version; ++v) fs::remove(file + ".before-v" + std::to_string(v + 1));
    rows_ = Rows::In(*database);
    held_ = rows_.Of(*database);
  }

  // Why what stands there now is neither the old version nor a newer one with the same rows; empty:
  // it is one of them.
  std::string Wrong(const std::vector<std::string>& schemas) const {
    auto database = OpenDatabase(file_, {}).value();
    const int found = VersionOf(*database);
    if (found < version_ || found > kNewest) return "version " + std::to_string(found);
    if (SchemaOf(*database) != schemas[found]) {
      return "a schema that is not that of version " + std::to_string(found);
    }
    if (rows_.Of(*database) != held_) return "other rows";
    if (found > version_) return WrongCopy();
    return "";
  }

  // Likewise, of the copy from before the migration.
  std::string WrongCopy() const {
    const std::string copy = file_ + ".before-v" + std::to_string(version_ + 1);
    if (!fs::exists(copy)) return "no copy from before the migration";
    auto database = OpenDatabase(copy, {}).value();
    if (VersionOf(*database) != version_) return "a copy of another version";
    if (rows_.Of(*database) != held_) return "a copy with other rows";
    return "";
  }

 private:
  const std::string file_;
  const int version_;
  Rows rows_;
  std::string held_;
};

// Ends the process at the n-th system call of SQLite that changes a file.
class KillAt {
 public:
  explicit KillAt(int call) {
    left = call;
    sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
    const auto replace = [vfs](const char* name, sqlite3_syscall_ptr with) {
      const sqlite3_syscall_ptr real = vfs->xGetSystemCall(vfs, name);
      if (real != nullptr) vfs->xSetSystemCall(vfs, name, with);
      return real;
    };
    real_write = reinterpret_cast<Write>(replace("pwrite", Ptr(CountedWrite)));
#ifdef __linux__
    real_write64 = reinterpret_cast<Write64>(replace("pwrite64", Ptr(CountedWrite64)));
#endif
    real_truncate = reinterpret_cast<Truncate>(replace("ftruncate", Ptr(CountedTruncate)));
    real_unlink = reinterpret_cast<Unlink>(replace("unlink", Ptr(CountedUnlink)));
  }

 private:
  using Write = ssize_t (*)(int, const void*, size_t, off_t);
  using Truncate = int (*)(int, off_t);
  using Unlink = int (*)(const char*);

  template <typename Function>
  static sqlite3_syscall_ptr Ptr(Function* function) {
    return reinterpret_cast<sqlite3_syscall_ptr>(function);
  }
  static void Count() {
    if (--left == 0) _exit(kKilled);
  }
  static ssize_t CountedWrite(int fd, const void* bytes, size_t size, off_t at) {
    Count();
    return real_write(fd, bytes, size, at);
  }
#ifdef __linux__
  using Write64 = ssize_t (*)(int, const void*, size_t, off64_t);
  static ssize_t CountedWrite64(int fd, const void* bytes, size_t size, off64_t at) {
    Count();
    return real_write64(fd, bytes, size, at);
  }
  static inline Write64 real_write64 = nullptr;
#endif
  static int CountedTruncate(int fd, off_t size) {
    Count();
    return real_truncate(fd, size);
  }
  static int CountedUnlink(const char* path) {
    Count();
    return real_unlink(path);
  }

 public:
  static constexpr int kKilled = 9;

 private:
  static inline int left = 0;
  static inline Write real_write = nullptr;
  static inline Truncate real_truncate = nullptr;
  static inline Unlink real_unlink = nullptr;
};

// The control: every statement is its own transaction.
absl::Status MigrateCarelessly(SQLite::Database& database) {
  return Guard("migrating carelessly", [&] {
    for (int next = VersionOf(database); next < kNewest; ++next) {
      database.exec(Migrations()[next]);
      database.exec("PRAGMA user_version = " + std::to_string(next + 1));
    }
  });
}

class MigrationsTest : public ::testing::Test {
 protected:
  MigrationsTest() {
    schemas_.emplace_back();
    for (int version = 1; version <= kNewest; ++version) {
      auto database = OpenDatabase(":memory:", {}).value();
      EXPECT_OK(Migrate(*database, kApplicationId, FirstMigrations(version)));
      schemas_.push_back(SchemaOf(*database));
    }
  }

  // A process that migrates `file` and dies at that call; false when it came to its end.
  static bool KilledAt(int call, const std::string& file, bool carelessly) {
    const pid_t child = fork();
    if (child == 0) {
      const KillAt kill(call);
      auto database = OpenDatabase(file, {});
      if (!database.ok()) _exit(1);
      const absl::Status migrated = carelessly ? MigrateCarelessly(**database)
                                               : Migrate(**database, kApplicationId, Migrations());
      _exit(migrated.ok() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 1) << status;
    return WEXITSTATUS(status) == KillAt::kKilled;
  }

  struct Tally {
    int tried = 0;
    int between = 0;  // neither the old schema nor a newer one
    std::string example;
  };

  // Kills at every `stride`-th call.
  Tally KillEverywhere(int version, int stride, bool carelessly) {
    RemoveDatabase();
    const EarlierVersion earlier(file_, version);
    const std::string kept = dir_.File("kept");
    fs::create_directory(kept);
    for (const char* end : {"", "-wal"}) {
      if (fs::exists(file_ + end)) fs::copy_file(file_ + end, kept + "/a.db" + end);
    }
    Tally tally;
    for (int call = 1;; call += stride) {
      ResetTo(kept);
      if (!KilledAt(call, file_, carelessly)) break;
      ++tally.tried;
      std::string wrong = earlier.Wrong(schemas_);
      // The next start ends what was begun.
      if (wrong.empty()) {
        EXPECT_OK(Migrate(*OpenDatabase(file_, {}).value(), kApplicationId, Migrations()));
        wrong = earlier.Wrong(schemas_);
      }
      if (wrong.empty()) continue;
      ++tally.between;
      tally.example = wrong;
    }
    fs::remove_all(kept);
    return tally;
  }

  void RemoveDatabase() {
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(dir_.path())) {
      if (entry.path().filename().string().starts_with("a.db")) old.push_back(entry.path());
    }
    for (const fs::path& file : old) fs::remove(file);
  }

  void ResetTo(const std::string& kept) {
    RemoveDatabase();
    for (const auto& entry : fs::directory_iterator(kept)) {
      fs::copy_file(entry.path(), dir_.path() / entry.path().filename());
    }
  }

  const TempDir dir_;
  const std::string file_ = dir_.File("a.db");
  std::vector<std::string> schemas_;  // of each version
};

TEST_F(MigrationsTest, EveryEarlierVersionOpensAndKeepsItsRows) {
  for (int version = 1; version <= kNewest; ++version) {
    StoreOptions options;
    options.path = dir_.File("v" + std::to_string(version) + "/laptime.db");
    const EarlierVersion earlier(options.path, version);
    {
      ASSERT_OK_AND_ASSIGN(const auto store, Store::Open(options));
      EXPECT_OK(store->Read([](const Reader& reader) -> absl::Status {
        EXPECT_EQ(reader.FindRun("r1").value().run.state(), v1::RUN_STATE_SUCCEEDED);
        EXPECT_EQ(reader.Epochs("r1", 1).value().size(), 2);
        EXPECT_EQ(reader.Samples("r1", 1).value().size(), 1);
        return reader.CountAll().status();
      }));
    }
    EXPECT_EQ(earlier.Wrong(schemas_), "") << version;
    EXPECT_EQ(VersionOf(*OpenDatabase(options.path, {}).value()), kNewest);
    ASSERT_OK_AND_ASSIGN(const auto checked, CheckDatabase(options.path, nullptr));
    for (const auto& check : checked.checks()) EXPECT_EQ(check.wrong(), 0) << check.name();
  }
}

TEST_F(MigrationsTest, AKillLeavesTheOldSchemaOrANewOneNeverABetween) {
  Tally all;
  for (int version = 1; version < kNewest; ++version) {
    const Tally tally = KillEverywhere(version, Stride(), /*carelessly=*/false);
    EXPECT_GT(tally.tried, 50 / Stride());
    EXPECT_EQ(tally.between, 0) << "from version " << version << ": " << tally.example;
    all.tried += tally.tried;
    all.between += tally.between;
  }
  const Tally control = KillEverywhere(1, Stride(), /*carelessly=*/true);
  PrintTried("C15", "kills while a database of an earlier version is migrated", all.tried,
             all.between);
  PrintTried("C15 ctrl", "the same without a transaction: must be caught between two schemas",
             control.tried, control.between);
  EXPECT_GT(control.between, 0);
}

}  // namespace
}  // namespace laptime::storage
