#include "storage/sqlite/database.h"

#include <SQLiteCpp/Database.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(OpenDatabaseTest, SetsWhatLaptimeReliesOn) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto database, OpenDatabase(dir.File("a.db"), {}));
  const auto pragma = [&](const std::string& name) {
    return database->execAndGet("PRAGMA " + name).getString();
  };
  EXPECT_EQ(pragma("journal_mode"), "wal");
  EXPECT_EQ(pragma("synchronous"), "2");
  EXPECT_EQ(pragma("foreign_keys"), "1");
  EXPECT_EQ(pragma("trusted_schema"), "0");
  EXPECT_EQ(pragma("busy_timeout"), "5000");
}

TEST(OpenDatabaseTest, CompactingKeepsItsCopyOnTheDisk) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto database, OpenDatabase(dir.File("a.db"), {}));
  KeepChangesInMemory(*database);
  const auto pragma = [&](const std::string& name) {
    return database->execAndGet("PRAGMA " + name).getInt64();
  };
  constexpr int kInMemory = 2;
  EXPECT_EQ(pragma("temp_store"), kInMemory);
  constexpr int64_t kBytes = 64'000'000;
  const std::string blob = "zeroblob(" + std::to_string(kBytes) + ")";
  database->exec("CREATE TABLE t (x); INSERT INTO t VALUES (" + blob + "), (" + blob + ")");
  database->exec("DELETE FROM t WHERE rowid = 1");
  const int64_t pages = pragma("page_count");
  sqlite3_memory_highwater(/*resetFlag=*/1);
  const int64_t used = sqlite3_memory_used();
  Compact(*database);
  EXPECT_LT(pragma("page_count"), pages * 3 / 5);
  EXPECT_LT(sqlite3_memory_highwater(0), used + kBytes / 2);
  EXPECT_EQ(pragma("temp_store"), kInMemory);
  // Nor is the setting lost when it cannot be done.
  database->exec("BEGIN");
  EXPECT_THROW(Compact(*database), SQLite::Exception);
  EXPECT_EQ(pragma("temp_store"), kInMemory);
}

TEST(OpenDatabaseTest, MakesTheDirectoryForItsOwnerAlone) {
  namespace fs = std::filesystem;
  TempDir dir;
  EXPECT_OK(OpenDatabase(dir.File("new/deep/a.db"), {}));
  EXPECT_EQ(fs::status(dir.File("new/deep")).permissions(), fs::perms::owner_all);
  // One that was there is as it was.
  const auto shared = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec;
  fs::permissions(dir.File("new"), shared);
  EXPECT_OK(OpenDatabase(dir.File("new/b.db"), {}));
  EXPECT_EQ(fs::status(dir.File("new")).permissions(), shared);
}

TEST(OpenDatabaseTest, ReadOnlyNeitherWritesNorCheckpoints) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(auto writer, OpenDatabase(dir.File("a.db"), {}));
  writer->exec("CREATE TABLE t (x)");
  ASSERT_OK_AND_ASSIGN(auto reader, OpenDatabase(dir.File("a.db"), {.read_only = true}));
  EXPECT_EQ(reader->execAndGet("PRAGMA wal_autocheckpoint").getInt(), 0);
  EXPECT_THAT(Guard("inserting", [&] { reader->exec("INSERT INTO t VALUES (1)"); }),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("inserting")));
}

TEST(OpenDatabaseTest, SaysWhyAPathCannotBeUsed) {
  TempDir dir;
  std::ofstream(dir.File("file")) << "text";
  EXPECT_THAT(OpenDatabase(dir.File("file/a.db"), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("cannot create directory"), HasSubstr("\n"))));
  EXPECT_THAT(OpenDatabase(dir.path().string(), {}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr(dir.path().string()), HasSubstr("\n"))));
}

TEST(OpenDatabaseTest, RefusesAFileThatIsNoDatabase) {
  TempDir dir;
  std::ofstream(dir.File("a.db")) << std::string(5000, 'x');
  for (const bool read_only : {false, true}) {
    EXPECT_THAT(OpenDatabase(dir.File("a.db"), {.read_only = read_only}),
                StatusIs(absl::StatusCode::kDataLoss,
                         AllOf(HasSubstr("a.db"), HasSubstr("not a database"), HasSubstr("\n"))));
  }
}

TEST(StatusFromTest, MapsCodes) {
  const auto code = [](int sqlite) {
    return StatusFrom("doing", SQLite::Exception("what", sqlite)).code();
  };
  EXPECT_EQ(code(SQLITE_FULL), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(SQLITE_TOOBIG), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(code(SQLITE_BUSY_SNAPSHOT), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(SQLITE_INTERRUPT), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(SQLITE_IOERR_WRITE), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code(SQLITE_CORRUPT_INDEX), absl::StatusCode::kDataLoss);
  EXPECT_EQ(code(SQLITE_READONLY_DIRECTORY), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(code(SQLITE_MISUSE), absl::StatusCode::kInternal);
}

TEST(GuardTest, TellsATakenValueFromABrokenRule) {
  ASSERT_OK_AND_ASSIGN(auto database, OpenDatabase(":memory:", {}));
  database->exec("CREATE TABLE t (x INTEGER PRIMARY KEY, y TEXT UNIQUE, z CHECK (z > 0))");
  database->exec("INSERT INTO t VALUES (1, 'a', 1)");
  const auto insert = [&](const std::string& values) {
    return Guard("inserting", [&] { database->exec("INSERT INTO t VALUES " + values); }).code();
  };
  EXPECT_EQ(insert("(1, 'b', 1)"), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(insert("(2, 'a', 1)"), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(insert("(2, 'b', 0)"), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(insert("(2, 'b', 1)"), absl::StatusCode::kOk);
}

TEST(GuardTest, PassesResultsThrough) {
  EXPECT_OK(Guard("doing", [] {}));
  EXPECT_THAT(Guard("doing", [] { return absl::AbortedError("lost"); }),
              StatusIs(absl::StatusCode::kAborted, "lost"));
  const absl::StatusOr<int> seven = Guard("doing", []() -> absl::StatusOr<int> { return 7; });
  ASSERT_OK(seven);
  EXPECT_EQ(*seven, 7);
}

}  // namespace
}  // namespace laptime::storage
