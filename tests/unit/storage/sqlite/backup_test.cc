#include "storage/sqlite/backup.h"

#include <SQLiteCpp/Database.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>

#include "storage/sqlite/database.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;

class CopyDatabaseTest : public ::testing::Test {
 protected:
  // Some megabytes: more than one step of the copy.
  CopyDatabaseTest() {
    writer_->exec("CREATE TABLE t (x INTEGER PRIMARY KEY, y)");
    for (int i = 0; i < 8; ++i) writer_->exec("INSERT INTO t (y) VALUES (zeroblob(1000000))");
  }

  std::string Ask(const std::string& file, const std::string& sql) {
    return OpenDatabase(file, {.read_only = true}).value()->execAndGet(sql).getString();
  }

  const TempDir dir_;
  const std::string file_ = dir_.File("a.db");
  const std::string target_ = dir_.File("copy.db");
  const std::unique_ptr<SQLite::Database> writer_ = OpenDatabase(file_, {}).value();
  const std::unique_ptr<SQLite::Database> reader_ =
      OpenDatabase(file_, {.read_only = true}).value();
};

TEST_F(CopyDatabaseTest, IsOneMomentWhileOthersWrite) {
  int written = 0;
  const auto write = [&] {
    writer_->exec("INSERT INTO t (y) VALUES ('meanwhile')");
    ++written;
    return false;
  };
  ASSERT_OK(CopyDatabase(*reader_, target_, write));
  EXPECT_GE(written, 5);
  EXPECT_EQ(Ask(target_, "SELECT count(*) FROM t"), "8");
  EXPECT_EQ(Ask(target_, "PRAGMA integrity_check"), "ok");
  EXPECT_EQ(writer_->execAndGet("SELECT count(*) FROM t").getInt(), 8 + written);
}

TEST_F(CopyDatabaseTest, HoldsWhatIsStillInTheLog) {
  ASSERT_TRUE(std::filesystem::exists(file_ + "-wal"));
  std::filesystem::copy_file(file_, dir_.File("plain.db"));  // the control: this loses it
  ASSERT_OK(CopyDatabase(*reader_, target_, nullptr));
  writer_->exec("INSERT INTO t (y) VALUES ('in the log')");
  std::filesystem::copy_file(file_, dir_.File("later.db"));
  ASSERT_OK(CopyDatabase(*reader_, target_, nullptr));
  EXPECT_EQ(Ask(target_, "SELECT count(*) FROM t WHERE y = 'in the log'"), "1");
  EXPECT_EQ(Ask(dir_.File("later.db"), "SELECT count(*) FROM t WHERE y = 'in the log'"), "0");
}

TEST_F(CopyDatabaseTest, OnlyItsOwnerReadsIt) {
  ASSERT_OK(CopyDatabase(*reader_, target_, nullptr));
  struct stat facts {};
  ASSERT_EQ(stat(target_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(CopyDatabaseTest, NothingIsLeftWhenItIsGivenUp) {
  EXPECT_THAT(CopyDatabase(*reader_, target_, [] { return true; }),
              StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_FALSE(std::filesystem::exists(target_));
  EXPECT_OK(CopyDatabase(*reader_, target_, nullptr));  // and the source is as usable as before
}

TEST_F(CopyDatabaseTest, NothingIsLeftWhenTheDiskIsFull) {
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{3'000'000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const absl::Status copied = CopyDatabase(*reader_, target_, nullptr);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(copied.ok());
  EXPECT_FALSE(std::filesystem::exists(target_));
}

TEST_F(CopyDatabaseTest, KeepsTheNewestCopiesBeforeMigrations) {
  for (const int version : {2, 3, 9, 10, 11}) ASSERT_OK(CopyBeforeMigration(*writer_, version));
  std::vector<std::string> kept;
  for (const auto& entry : std::filesystem::directory_iterator(dir_.path())) {
    const std::string name = entry.path().filename().string();
    if (name.find("before") != std::string::npos) kept.push_back(name);
  }
  EXPECT_EQ(kKeptCopies, 3);
  EXPECT_THAT(kept, ::testing::UnorderedElementsAre("a.db.before-v9", "a.db.before-v10",
                                                    "a.db.before-v11"));
}

}  // namespace
}  // namespace laptime::storage
