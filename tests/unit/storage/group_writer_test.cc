#include "storage/group_writer.h"

#include <sqlite3.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Wait = GroupWriter::Wait;

// Counts commits with SQLite's own hook, so that a group shows as one.
class GroupWriterTest : public ::testing::Test {
 protected:
  GroupWriterTest() : database_(OpenDatabase(dir_.File("a.db"), {}).value()) {
    database_->exec("CREATE TABLE t (x INTEGER PRIMARY KEY)");
    sqlite3_commit_hook(
        database_->getHandle(),
        [](void* test) {
          auto* self = static_cast<GroupWriterTest*>(test);
          ++self->commits_;
          return self->fail_commits_ ? 1 : 0;
        },
        this);
  }

  void Start(const StoreOptions& options) {
    writer_ = std::make_unique<GroupWriter>(*database_, options);
  }

  // Only ever called on the writer's thread.
  absl::Status Insert(int value) {
    return Guard("inserting",
                 [&] { database_->exec("INSERT INTO t VALUES (" + std::to_string(value) + ")"); });
  }

  void Add(int value, absl::Status outcome = absl::OkStatus()) {
    ASSERT_TRUE(writer_->Add(
        [this, value, outcome](Transaction&) {
          const absl::Status inserted = Insert(value);
          return inserted.ok() ? outcome : inserted;
        },
        [this](const absl::Status& status) { told_.push_back(status); }, Wait::kNobodyWaits));
  }

  // Ends the writer, which commits the rest, and returns what the table holds.
  std::string Rows() {
    writer_.reset();
    return database_
        ->execAndGet("SELECT coalesce(group_concat(x), '') FROM (SELECT x FROM t ORDER BY x)")
        .getString();
  }

  const TempDir dir_;
  const std::unique_ptr<SQLite::Database> database_;
  std::atomic<int> commits_ = 0;
  std::atomic<bool> fail_commits_ = false;
  std::vector<absl::Status> told_;  // on the writer's thread; read after its end
  std::unique_ptr<GroupWriter> writer_;
};

StoreOptions LongDelay() {
  StoreOptions options;
  options.group_delay = std::chrono::hours(1);
  return options;
}

TEST_F(GroupWriterTest, LoneWorkRunsInItsTurnOutsideOfATransaction) {
  Start(LongDelay());
  Add(1);
  std::string seen;
  std::promise<absl::Status> ended;
  ASSERT_TRUE(writer_->AddAlone(
      [&](SQLite::Database& database) {
        seen = database.execAndGet("SELECT group_concat(x) FROM t").getString();
        return Guard("shrinking", [&] { database.exec("VACUUM"); });  // not in a transaction
      },
      [&](const absl::Status& status) { ended.set_value(status); }));
  Add(2);
  EXPECT_OK(ended.get_future().get());
  EXPECT_EQ(seen, "1");
  EXPECT_EQ(Rows(), "1,2");
}

TEST_F(GroupWriterTest, LoneWorkThatFailsIsTold) {
  Start(LongDelay());
  std::promise<absl::Status> ended;
  ASSERT_TRUE(writer_->AddAlone([](SQLite::Database&) { return absl::AbortedError("no"); },
                                [&](const absl::Status& status) { ended.set_value(status); }));
  EXPECT_THAT(ended.get_future().get(), StatusIs(absl::StatusCode::kAborted, "no"));
}

TEST_F(GroupWriterTest, OneCommitHoldsAGroup) {
  StoreOptions options = LongDelay();
  options.group_size = 10;
  Start(options);
  for (int i = 1; i <= 10; ++i) Add(i);
  EXPECT_EQ(Rows(), "1,2,3,4,5,6,7,8,9,10");
  EXPECT_EQ(commits_, 1);
}

TEST_F(GroupWriterTest, AFullGroupDoesNotWait) {
  StoreOptions options = LongDelay();
  options.group_size = 2;
  Start(options);
  std::promise<void> done;
  Add(1);
  ASSERT_TRUE(writer_->Add([&](Transaction&) { return Insert(2); },
                           [&](const absl::Status&) { done.set_value(); }, Wait::kNobodyWaits));
  done.get_future().get();  // within the delay
  EXPECT_EQ(Rows(), "1,2");
  EXPECT_EQ(commits_, 1);
}

TEST_F(GroupWriterTest, AGroupIsCommittedWhenItsDelayIsOver) {
  StoreOptions options;
  options.group_delay = std::chrono::milliseconds(1);
  Start(options);
  std::promise<void> done;
  ASSERT_TRUE(writer_->Add([&](Transaction&) { return Insert(1); },
                           [&](const absl::Status&) { done.set_value(); }, Wait::kNobodyWaits));
  done.get_future().get();
  EXPECT_EQ(commits_, 1);
}

TEST_F(GroupWriterTest, SomebodyWhoWaitsTakesTheOthersAlong) {
  Start(LongDelay());
  std::promise<void> done;
  Add(1);
  ASSERT_TRUE(writer_->Add([&](Transaction&) { return Insert(2); },
                           [&](const absl::Status&) { done.set_value(); }, Wait::kSomebodyWaits));
  done.get_future().get();
  EXPECT_EQ(Rows(), "1,2");
}

TEST_F(GroupWriterTest, AFailingPieceLeavesNoTraceAmongItsNeighbours) {
  Start(LongDelay());
  Add(1);
  Add(2, absl::AbortedError("lost the race"));
  Add(3);
  Add(3);  // taken
  Add(4);
  EXPECT_EQ(Rows(), "1,3,4");
  EXPECT_EQ(commits_, 1);
  ASSERT_EQ(told_.size(), 5);
  EXPECT_OK(told_[0]);
  EXPECT_THAT(told_[1], StatusIs(absl::StatusCode::kAborted, "lost the race"));
  EXPECT_OK(told_[2]);
  EXPECT_THAT(told_[3], StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("inserting")));
  EXPECT_OK(told_[4]);
}

TEST_F(GroupWriterTest, APieceThatThrowsFailsAlone) {
  Start(LongDelay());
  Add(1);
  ASSERT_TRUE(writer_->Add(
      [this](Transaction&) -> absl::Status {
        (void)Insert(2);
        throw std::runtime_error("broken");
      },
      [this](const absl::Status& status) { told_.push_back(status); }, Wait::kNobodyWaits));
  EXPECT_EQ(Rows(), "1");
  ASSERT_EQ(told_.size(), 2);
  EXPECT_THAT(told_[1], StatusIs(absl::StatusCode::kInternal, HasSubstr("broken")));
}

TEST_F(GroupWriterTest, AFailedCommitIsToldToEveryMember) {
  Start(LongDelay());
  fail_commits_ = true;
  Add(1);
  Add(2);
  EXPECT_EQ(Rows(), "");
  ASSERT_EQ(told_.size(), 2);
  EXPECT_FALSE(told_[0].ok());
  EXPECT_FALSE(told_[1].ok());
}

TEST_F(GroupWriterTest, GoesOnAfterAFailedCommit) {
  StoreOptions options = LongDelay();
  options.group_size = 1;
  Start(options);
  fail_commits_ = true;
  std::promise<void> failed;
  ASSERT_TRUE(writer_->Add([&](Transaction&) { return Insert(1); },
                           [&](const absl::Status&) { failed.set_value(); }, Wait::kNobodyWaits));
  failed.get_future().get();
  fail_commits_ = false;
  Add(2);
  EXPECT_EQ(Rows(), "2");
}

// A full disk: SQLite rolls the whole transaction back by itself.
TEST_F(GroupWriterTest, AFullDiskFailsTheGroupAndSaysSo) {
  database_->exec("CREATE TABLE big (x)");
  database_->exec("PRAGMA max_page_count = 10");
  Start(LongDelay());
  Add(1);
  ASSERT_TRUE(writer_->Add(
      [this](Transaction&) {
        return Guard("filling",
                     [&] { database_->exec("INSERT INTO big VALUES (zeroblob(1000000))"); });
      },
      [this](const absl::Status& status) { told_.push_back(status); }, Wait::kNobodyWaits));
  Add(2);
  const std::string rows = Rows();
  ASSERT_EQ(told_.size(), 3);
  EXPECT_THAT(told_[1], StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("full")));
  // Whatever SQLite undid, nobody was told otherwise.
  EXPECT_EQ(told_[0].ok(), rows.find('1') != std::string::npos);
  EXPECT_EQ(told_[2].ok(), rows.find('2') != std::string::npos);
}

TEST_F(GroupWriterTest, ALostTransactionFailsTheWholeGroup) {
  Start(LongDelay());
  Add(1);
  ASSERT_TRUE(writer_->Add(
      [this](Transaction&) {
        database_->exec("ROLLBACK");  // as SQLite does on some I/O errors
        return absl::UnavailableError("disk I/O error");
      },
      [this](const absl::Status& status) { told_.push_back(status); }, Wait::kNobodyWaits));
  Add(2);
  EXPECT_EQ(Rows(), "");
  ASSERT_EQ(told_.size(), 3);
  for (const absl::Status& status : told_) {
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, "disk I/O error"));
  }
}

TEST_F(GroupWriterTest, ToldAfterTheCommitInOrder) {
  StoreOptions options = LongDelay();
  options.group_size = 3;
  Start(options);
  std::vector<int> order;
  std::vector<int> commits_seen;
  for (int i = 1; i <= 3; ++i) {
    ASSERT_TRUE(writer_->Add([this, i](Transaction&) { return Insert(i); },
                             [&, i](const absl::Status&) {
                               order.push_back(i);
                               commits_seen.push_back(commits_);
                             },
                             Wait::kNobodyWaits));
  }
  writer_.reset();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
  EXPECT_THAT(commits_seen, ElementsAre(1, 1, 1));
}

TEST_F(GroupWriterTest, DrainedMeansThatNothingIsHeldAnyMore) {
  Start({});
  auto held = std::make_shared<int>(0);
  bool second_told = false;
  ASSERT_TRUE(writer_->Add([this](Transaction&) { return Insert(1); },
                           [&, held](const absl::Status&) {
                             ASSERT_TRUE(writer_->Add(
                                 [this](Transaction&) { return Insert(2); },
                                 [&, held](const absl::Status&) { second_told = true; },
                                 Wait::kNobodyWaits));
                           },
                           Wait::kNobodyWaits));
  writer_->Drain();
  EXPECT_TRUE(second_told);
  EXPECT_EQ(held.use_count(), 1);
  writer_->Drain();  // at once: nothing is queued
}

TEST_F(GroupWriterTest, AFullQueueRefuses) {
  StoreOptions options = LongDelay();
  options.max_queued = 2;
  Start(options);
  Add(1);
  Add(2);
  bool told = false;
  EXPECT_FALSE(writer_->Add([](Transaction&) { return absl::OkStatus(); },
                            [&](const absl::Status&) { told = true; }, Wait::kNobodyWaits));
  EXPECT_EQ(Rows(), "1,2");
  EXPECT_FALSE(told);
}

TEST_F(GroupWriterTest, TakesWorkFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 250;
  Start({});
  std::atomic<int> succeeded = 0;
  std::latch all_told(kThreads * kEach);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < kEach; ++i) {
          const int value = thread * kEach + i + 1;
          const Wait wait = i % 50 == 0 ? Wait::kSomebodyWaits : Wait::kNobodyWaits;
          ASSERT_TRUE(writer_->Add([this, value](Transaction&) { return Insert(value); },
                                   [&](const absl::Status& status) {
                                     if (status.ok()) ++succeeded;
                                     all_told.count_down();
                                   },
                                   wait));
        }
      });
    }
  }
  all_told.wait();
  writer_.reset();
  EXPECT_EQ(succeeded, kThreads * kEach);
  EXPECT_EQ(database_->execAndGet("SELECT count(*) FROM t").getInt(), kThreads * kEach);
  EXPECT_LT(commits_, kThreads * kEach);
}

}  // namespace
}  // namespace laptime::storage
