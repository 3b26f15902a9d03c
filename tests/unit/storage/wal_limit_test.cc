#include "storage/wal_limit.h"

#include <SQLiteCpp/Transaction.h>

#include <filesystem>

#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::TempDir;

constexpr int64_t kLimit = 1'000'000;

class WalLimitTest : public ::testing::Test {
 protected:
  WalLimitTest() { writer_->exec("CREATE TABLE t (x)"); }

  // 200 kB. SQLite's own checkpoint copies them, but never shortens the file.
  void Write() { writer_->exec("INSERT INTO t VALUES (zeroblob(200000))"); }

  void WriteUntilLogHas(int64_t bytes) {
    while (LogBytes() < bytes) Write();
  }

  int64_t LogBytes() { return static_cast<int64_t>(std::filesystem::file_size(file_ + "-wal")); }

  const TempDir dir_;
  const std::string file_ = dir_.File("a.db");
  const std::unique_ptr<SQLite::Database> writer_ = OpenDatabase(file_, {}).value();
  WalLimit limit_{*writer_, kLimit};
};

TEST_F(WalLimitTest, LeavesASmallLogAlone) {
  Write();
  const int64_t before = LogBytes();
  limit_.Keep();
  EXPECT_EQ(LogBytes(), before);
}

TEST_F(WalLimitTest, BeginsALargeLogAnew) {
  WriteUntilLogHas(kLimit);
  limit_.Keep();
  EXPECT_EQ(LogBytes(), 0);
  EXPECT_EQ(writer_->execAndGet("PRAGMA busy_timeout").getInt(), 5000);
}

TEST_F(WalLimitTest, AReaderThatStaysDelaysItOnlyOnceInAWhile) {
  auto reader = OpenDatabase(file_, {.read_only = true}).value();
  SQLite::Transaction reading(*reader);
  reader->execAndGet("SELECT count(*) FROM t");
  WriteUntilLogHas(kLimit);
  limit_.Keep();
  EXPECT_GE(LogBytes(), kLimit);
  reading.commit();
  limit_.Keep();  // too soon to try again
  EXPECT_GE(LogBytes(), kLimit);
  WriteUntilLogHas(LogBytes() + kLimit / 2);
  limit_.Keep();
  EXPECT_EQ(LogBytes(), 0);
}

// As after a long backup: the log has grown far beyond the limit, and then begun anew by itself.
TEST_F(WalLimitTest, ALogThatBeganAnewByItselfIsKeptSmallAgain) {
  {
    auto reader = OpenDatabase(file_, {.read_only = true}).value();
    SQLite::Transaction reading(*reader);
    reader->execAndGet("SELECT count(*) FROM t");
    WriteUntilLogHas(3 * kLimit);
    limit_.Keep();
  }
  ASSERT_TRUE(EmptyLog(*writer_));
  Write();
  limit_.Keep();  // sees it
  WriteUntilLogHas(kLimit);
  limit_.Keep();
  EXPECT_EQ(LogBytes(), 0);
}

}  // namespace
}  // namespace laptime::storage
