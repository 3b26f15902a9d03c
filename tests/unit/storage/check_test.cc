#include "storage/check.h"

#include <fstream>

#include "storage/sqlite_store.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::HasSubstr;

// A database in which run r1 of two epochs has succeeded at its second attempt, r2 trains and r3
// waits.
class CheckTest : public ::testing::Test {
 protected:
  CheckTest() {
    StoreOptions options;
    options.path = file_;
    EXPECT_OK(Store::Open(options).value()->Write([](Transaction& tx) {
      v1::AttemptRef first = Seeder::AddAttempt(tx);
      End(tx, first, v1::ATTEMPT_STATE_FAILED);
      const v1::AttemptRef second = tx.InsertAttempt("r1", "command-2", 4000).value();
      Start(tx, second, "r1");
      for (int number = 1; number <= 2; ++number) AddEpoch(tx, second, number);
      End(tx, second, v1::ATTEMPT_STATE_SUCCEEDED);
      EXPECT_OK(tx.MoveRun("r1", v1::RUN_STATE_RUNNING, v1::RUN_STATE_SUCCEEDED, 9000));
      Seeder::AddRun(tx, "r2", "j1", 1, 2);
      const v1::AttemptRef other = tx.InsertAttempt("r2", "command-3", 4000).value();
      Start(tx, other, "r2");
      AddEpoch(tx, other, 1);
      Seeder::AddRun(tx, "r3", "j1", 2);
      return absl::OkStatus();
    }));
  }

  static void Start(Transaction& tx, const v1::AttemptRef& attempt, const std::string& run) {
    EXPECT_OK(tx.MoveAttempt(attempt, v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_RUNNING, 5000));
    EXPECT_OK(tx.MoveRun(run, v1::RUN_STATE_QUEUED, v1::RUN_STATE_ASSIGNED, 5000));
    EXPECT_OK(tx.MoveRun(run, v1::RUN_STATE_ASSIGNED, v1::RUN_STATE_RUNNING, 5000));
  }

  static void End(Transaction& tx, const v1::AttemptRef& attempt, v1::AttemptState end) {
    const auto from =
        end == v1::ATTEMPT_STATE_FAILED ? v1::ATTEMPT_STATE_SENT : v1::ATTEMPT_STATE_RUNNING;
    EXPECT_OK(tx.MoveAttempt(attempt, from, end, 8000));
  }

  static void AddEpoch(Transaction& tx, const v1::AttemptRef& attempt, int number) {
    v1::Epoch epoch;
    epoch.set_number(number);
    EXPECT_OK(tx.InsertEpoch(attempt, epoch));
  }

  // The names of the checks that fail after `sql`, each with its first example.
  std::vector<std::string> WrongAfter(const std::string& sql) {
    OpenDatabase(file_, {}).value()->exec("PRAGMA foreign_keys = OFF; " + sql);
    const auto checked = CheckDatabase(file_, nullptr);
    EXPECT_OK(checked);
    std::vector<std::string> wrong;
    if (!checked.ok()) return wrong;
    for (const v1::DatabaseCheck& check : checked->checks()) {
      if (check.wrong() == 0) continue;
      EXPECT_GE(check.examples_size(), 1);
      wrong.push_back(check.name() + ": " + check.examples(0));
    }
    return wrong;
  }

  const TempDir dir_;
  const std::string file_ = dir_.File("laptime.db");
};

TEST_F(CheckTest, WhatTheStoreWritesIsGood) {
  EXPECT_THAT(WrongAfter(""), ::testing::IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto checked, CheckDatabase(file_, nullptr));
  EXPECT_EQ(checked.checks_size(), 10);
}

// One damage for each check. Those that several notice are of several.
TEST_F(CheckTest, SeesALostEpoch) {
  EXPECT_THAT(WrongAfter("DELETE FROM epoch WHERE number = 2"),
              ::testing::ElementsAre(
                  "succeeded attempts have every epoch: run r1, attempt 2, has 1 epochs of 2",
                  "runs count the epochs of their newest attempt: run r1, says 2, has 1"));
  EXPECT_THAT(WrongAfter("UPDATE epoch SET number = 3 WHERE number = 1; "
                         "UPDATE run SET epochs_done = 0 WHERE id = 'r1'"),
              ::testing::Contains("epochs are numbered without a gap: run r1, attempt 2, has 1 "
                                  "epochs up to 3"));
}

TEST_F(CheckTest, SeesALostAttempt) {
  EXPECT_THAT(
      WrongAfter("DELETE FROM attempt WHERE number = 1 AND run = 1"),
      ::testing::ElementsAre("attempts are numbered without a gap: run r1, newest 2, numbers 2"));
}

TEST_F(CheckTest, SeesRowsWithoutTheirParent) {
  EXPECT_THAT(WrongAfter("DELETE FROM host"),
              ::testing::Contains(HasSubstr("no row refers to a missing one: table device, row")));
}

TEST_F(CheckTest, SeesStatesThatDisagree) {
  EXPECT_THAT(WrongAfter("UPDATE attempt SET state = 5 WHERE run = 2"),
              ::testing::ElementsAre("every assigned run has an open attempt: run r2, has none"));
  EXPECT_THAT(WrongAfter("UPDATE attempt SET state = 3 WHERE run = 1 AND number = 1; "
                         "UPDATE attempt SET state = 3 WHERE run = 2"),
              ::testing::ElementsAre("only the newest attempt of an assigned run is open: run r1, "
                                     "attempt 1, is open"));
  EXPECT_THAT(WrongAfter("UPDATE attempt SET state = 5 WHERE run = 1"),
              ::testing::ElementsAre("runs and their newest attempts succeed together: run r1, "
                                     "state 4, attempt state 5"));
  EXPECT_THAT(WrongAfter("UPDATE attempt SET state = 4 WHERE run = 1 AND number = 2; "
                         "UPDATE run SET ended_unix_ms = NULL"),
              ::testing::ElementsAre("ended runs, and no others, have an end: run r1, state 4"));
}

TEST_F(CheckTest, SeesADamagedFile) {
  // The b-tree of an index: rows that it should list are gone from it.
  EXPECT_THAT(
      WrongAfter("PRAGMA writable_schema = ON; CREATE TABLE other (x TEXT UNIQUE); "
                 "INSERT INTO other VALUES ('a'); "
                 "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE "
                 "name = 'sqlite_autoindex_other_1') WHERE name = 'run_by_device'"),
      ::testing::Contains(HasSubstr("the file is whole: ")));
}

TEST_F(CheckTest, EndsWhenNobodyWaits) {
  EXPECT_THAT(CheckDatabase(dir_.File("missing.db"), nullptr),
              StatusIs(absl::StatusCode::kFailedPrecondition, ::testing::_));
  std::ofstream(dir_.File("text.db")) << std::string(5000, 'x');
  EXPECT_THAT(CheckDatabase(dir_.File("text.db"), nullptr),
              StatusIs(absl::StatusCode::kDataLoss, ::testing::_));
}

}  // namespace
}  // namespace laptime::storage
