#include "storage/sqlite_store.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <latch>
#include <thread>

#include "storage/sqlite/statements.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SqliteStoreTest : public ::testing::Test {
 protected:
  StoreOptions Options() {
    StoreOptions options;
    options.path = dir_.File("state/laptime.db");
    return options;
  }

  void Open() {
    auto store = Store::Open(Options());
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  int Runs() {
    int runs = -1;
    EXPECT_OK(store_->Read([&](const Reader& reader) -> absl::Status {
      runs = reader.CountAll().value().runs;
      return absl::OkStatus();
    }));
    return runs;
  }

  void Seed() {
    ASSERT_OK(store_->Write([](Transaction& tx) {
      Seeder::AddHost(tx);
      Seeder::AddJob(tx, "j1");
      Seeder::AddRun(tx, "r1", "j1");
      return absl::OkStatus();
    }));
  }

  const TempDir dir_;
  std::unique_ptr<Store> store_;
};

TEST_F(SqliteStoreTest, AnUndoneLapIsInNoFigure) {
  Open();
  v1::AttemptRef attempt;
  ASSERT_OK(store_->Write([&](Transaction& tx) {
    attempt = Seeder::AddAttempt(tx);
    return absl::OkStatus();
  }));
  const auto write_lap = [&](int number, double seconds, const absl::Status& end) {
    return store_->Write([&, number, seconds](Transaction& tx) {
      v1::Epoch epoch;
      epoch.set_number(number);
      epoch.set_wall_seconds(seconds);
      EXPECT_OK(tx.InsertEpoch(attempt, epoch));
      return end;
    });
  };
  EXPECT_OK(write_lap(1, 10, absl::OkStatus()));
  EXPECT_THAT(write_lap(2, 90, absl::AbortedError("undone")),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("undone")));
  EXPECT_OK(write_lap(3, 20, absl::OkStatus()));
  ASSERT_OK(store_->Read([&](const Reader& reader) -> absl::Status {
    const v1::Run run = reader.FindRun("r1").value().run;
    EXPECT_EQ(run.epochs_done(), 2);
    EXPECT_EQ(run.median_epoch_seconds(), 15);
    return absl::OkStatus();
  }));
}

TEST_F(SqliteStoreTest, KeepsWhatWasWrittenOverARestart) {
  Open();
  Seed();
  store_.reset();
  Open();
  EXPECT_EQ(Runs(), 1);
  EXPECT_EQ(store_->schema_version(), std::ssize(Migrations()));
  EXPECT_GT(store_->database_bytes(), 4096);
}

TEST_F(SqliteStoreTest, RefusesASecondCoordinator) {
  Open();
  EXPECT_THAT(Store::Open(Options()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("in use by process " + std::to_string(getpid()) + "\n"),
                             HasSubstr("another coordinator"))));
  StoreOptions other_name = Options();
  other_name.path = dir_.File("other.db");
  std::filesystem::create_symlink(Options().path, other_name.path);
  EXPECT_EQ(Store::Open(other_name).status().code(), absl::StatusCode::kFailedPrecondition);
  store_.reset();
  EXPECT_OK(Store::Open(Options()));
}

TEST_F(SqliteStoreTest, RefusesANewerDatabase) {
  Open();
  store_.reset();
  OpenDatabase(Options().path, {}).value()->exec("PRAGMA user_version = 7");
  EXPECT_THAT(Store::Open(Options()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       HasSubstr("has schema 7, this program knows up to " +
                                 std::to_string(Migrations().size()) + "\n")));
}

TEST_F(SqliteStoreTest, SaysWhyItCannotOpen) {
  std::ofstream(dir_.File("file")) << std::string(5000, 'x');
  StoreOptions options = Options();
  options.path = dir_.File("file");
  EXPECT_THAT(Store::Open(options), StatusIs(absl::StatusCode::kDataLoss,
                                             AllOf(HasSubstr(options.path), HasSubstr("\n"))));
  options.path = dir_.File("file/laptime.db");
  EXPECT_THAT(Store::Open(options), StatusIs(absl::StatusCode::kFailedPrecondition,
                                             AllOf(HasSubstr("directory"), HasSubstr("\n"))));
  options.path = "";
  EXPECT_EQ(Store::Open(options).status().code(), absl::StatusCode::kInvalidArgument);
  options = Options();
  options.group_size = 0;
  EXPECT_EQ(Store::Open(options).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SqliteStoreTest, ReadersSeeOnlyWhatIsCommitted) {
  Open();
  Seed();
  ASSERT_OK(store_->Write([this](Transaction& tx) {
    Seeder::AddRun(tx, "r2", "j1");
    EXPECT_EQ(tx.CountAll().value().runs, 2);  // its own change
    EXPECT_EQ(Runs(), 1);
    return absl::OkStatus();
  }));
  EXPECT_EQ(Runs(), 2);
}

TEST_F(SqliteStoreTest, AReadIsOneMoment) {
  Open();
  Seed();
  ASSERT_OK(store_->Read([this](const Reader& reader) -> absl::Status {
    EXPECT_EQ(reader.CountAll().value().runs, 1);
    EXPECT_OK(store_->Write([](Transaction& tx) {
      Seeder::AddRun(tx, "r2", "j1");
      return absl::OkStatus();
    }));
    EXPECT_EQ(reader.CountAll().value().runs, 1);
    return absl::OkStatus();
  }));
  EXPECT_EQ(Runs(), 2);
}

TEST_F(SqliteStoreTest, OfTwoRacersOneWins) {
  Open();
  Seed();
  std::latch start(2);
  std::atomic<int> won = 0;
  std::atomic<int> lost = 0;
  {
    std::vector<std::jthread> racers;
    for (const v1::RunState to : {v1::RUN_STATE_ASSIGNED, v1::RUN_STATE_CANCELLED}) {
      racers.emplace_back([&, to] {
        start.arrive_and_wait();
        const absl::Status status = store_->Write(
            [to](Transaction& tx) { return tx.MoveRun("r1", v1::RUN_STATE_QUEUED, to, 0); });
        if (status.ok()) ++won;
        if (absl::IsAborted(status)) ++lost;
      });
    }
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(lost, 1);
}

TEST_F(SqliteStoreTest, AFullQueueIsToldAtOnce) {
  StoreOptions options = Options();
  options.max_queued = 1;
  options.group_delay = std::chrono::hours(1);
  ASSERT_OK_AND_ASSIGN(store_, Store::Open(options));
  store_->WriteAsync([](Transaction&) { return absl::OkStatus(); }, nullptr);
  absl::Status told;
  store_->WriteAsync([](Transaction&) { return absl::OkStatus(); },
                     [&](const absl::Status& status) { told = status; });
  EXPECT_EQ(told.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->Write([](Transaction&) { return absl::OkStatus(); }).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_F(SqliteStoreTest, TheEndCommitsWhatIsQueued) {
  StoreOptions options = Options();
  options.group_delay = std::chrono::hours(1);
  ASSERT_OK_AND_ASSIGN(store_, Store::Open(options));
  Seed();
  absl::Status told = absl::UnknownError("not told");
  store_->WriteAsync(
      [](Transaction& tx) {
        Seeder::AddRun(tx, "r2", "j1");
        return absl::OkStatus();
      },
      [&](const absl::Status& status) { told = status; });
  store_.reset();
  EXPECT_OK(told);
  Open();
  EXPECT_EQ(Runs(), 2);
}

TEST_F(SqliteStoreTest, ALongReadIsStopped) {
  Open();
  ASSERT_OK_AND_ASSIGN(auto pool,
                       ReaderPool::Open(Options().path, 1, std::chrono::milliseconds(20)));
  const auto endless = [](const Reader& reader) {
    absl::StatusOr<Counts> counts = reader.CountAll();
    while (counts.ok()) counts = reader.CountAll();
    return counts.status();
  };
  EXPECT_THAT(pool->Run(endless),
              StatusIs(absl::StatusCode::kUnavailable, "reading: stopped after 20 ms"));
  EXPECT_OK(pool->Run([](const Reader& reader) { return reader.CountAll().status(); }));
}

TEST_F(SqliteStoreTest, ReadersThatAreAllBusyAreWaitedForAndThenRefused) {
  Open();
  ASSERT_OK_AND_ASSIGN(auto pool,
                       ReaderPool::Open(Options().path, 1, std::chrono::milliseconds(20)));
  const absl::Status outer = pool->Run([&](const Reader&) {
    EXPECT_THAT(pool->Run([](const Reader&) { return absl::OkStatus(); }),
                StatusIs(absl::StatusCode::kUnavailable, HasSubstr("all 1 database readers")));
    return absl::OkStatus();
  });
  EXPECT_OK(outer);
}

TEST_F(SqliteStoreTest, ManyThreadsReadAndWrite) {
  Open();
  Seed();
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 6; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 20; ++i) {
          const std::string id = std::to_string(thread) + "-" + std::to_string(i);
          const absl::Status status = thread < 3 ? store_->Write([&](Transaction& tx) {
            Seeder::AddRun(tx, id, "j1");
            return absl::OkStatus();
          })
                                                 : store_->Read([](const Reader& reader) {
                                                     return reader.ListRuns({}, {}).status();
                                                   });
          if (!status.ok()) ++failures;
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(Runs(), 61);
}

}  // namespace
}  // namespace laptime::storage
