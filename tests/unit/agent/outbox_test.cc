#include "agent/outbox.h"

#include <SQLiteCpp/Database.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

v1::Report LapReport(int number) {
  v1::Report report;
  report.mutable_epoch_finished()->set_number(number);
  return report;
}

v1::Report LogReport() {
  v1::Report report;
  report.mutable_log_chunk()->set_text("words");
  return report;
}

// A second connection that makes every insert fail, as a full disk does, until it lets go.
class BrokenDisk {
 public:
  explicit BrokenDisk(const std::string& path) : database_(path, SQLite::OPEN_READWRITE) {
    database_.exec(
        "CREATE TRIGGER broken BEFORE INSERT ON report BEGIN SELECT RAISE(ABORT, 'disk full'); "
        "END");
  }
  void Repair() { database_.exec("DROP TRIGGER broken"); }

 private:
  SQLite::Database database_;
};

TEST(OutboxTest, KeepsReportsInOrderWhileTheDiskRefusesThem) {
  const testing::TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto spool, Spool::Open(dir.File("spool.db"), {}));
  Outbox outbox(*spool);
  outbox.Post(LapReport(1));
  BrokenDisk disk(dir.File("spool.db"));
  outbox.Post(LapReport(2));
  outbox.Post(LogReport());
  outbox.Post(LapReport(3));
  EXPECT_FALSE(outbox.Retry());
  EXPECT_EQ(spool->ReadFrom(0, 10)->size(), 1u);
  disk.Repair();
  EXPECT_TRUE(outbox.Retry());
  outbox.Post(LapReport(4));
  const auto reports = *spool->ReadFrom(0, 10);
  ASSERT_EQ(reports.size(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(reports[i].epoch_finished().number(), i + 1);
}

TEST(OutboxTest, KnowsWhoseEndWaits) {
  const testing::TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto spool, Spool::Open(dir.File("spool.db"), {}));
  Outbox outbox(*spool);
  BrokenDisk disk(dir.File("spool.db"));
  v1::Report end;
  end.mutable_attempt()->set_run_id("r1");
  end.mutable_attempt()->set_number(1);
  EXPECT_FALSE(outbox.HoldsEndOf(end.attempt()));
  end.mutable_finished();
  outbox.Post(end);
  EXPECT_TRUE(outbox.HoldsEndOf(end.attempt()));
  disk.Repair();
  EXPECT_TRUE(outbox.Retry());
  EXPECT_FALSE(outbox.HoldsEndOf(end.attempt()));
}

}  // namespace
}  // namespace laptime::agent
