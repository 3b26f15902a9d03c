#include "storage/retention.h"

#include "storage/sqlite_store.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;

constexpr int64_t kDay = 24 * 60 * 60 * 1000;
constexpr int64_t kNow = 1000 * kDay;

// Run "old" ended 200 days ago, "new" 10 days ago, "goes on" has not ended; each has 12,000 samples
// (more than go at a time), some log and one epoch.
class RetentionTest : public ::testing::Test {
 protected:
  RetentionTest() {
    StoreOptions options;
    options.path = file_;
    store_ = Store::Open(options).value();
    EXPECT_OK(store_->Write([](Transaction& tx) {
      Seeder::AddHost(tx);
      Seeder::AddJob(tx, "j1");
      AddRun(tx, "old", kNow - 200 * kDay);
      AddRun(tx, "new", kNow - 10 * kDay);
      AddRun(tx, "goes on", 0);
      return absl::OkStatus();
    }));
  }

  static void AddRun(Transaction& tx, const std::string& id, int64_t ended_unix_ms) {
    Seeder::AddRun(tx, id, "j1");
    const v1::AttemptRef attempt = tx.InsertAttempt(id, "command of " + id, 1000).value();
    v1::SampleBatch batch;
    v1::SampleSeries& series = *batch.add_series();
    series.mutable_sensor()->set_name("gpu");
    for (int i = 0; i < kSamples; ++i) {
      series.add_times_ms(i);
      series.add_values(i);
    }
    EXPECT_OK(tx.InsertSamples(attempt, batch));
    v1::LogChunk chunk;
    chunk.set_text(std::string(1000, 'x'));
    EXPECT_OK(tx.InsertLog(attempt, chunk));
    v1::Epoch epoch;
    epoch.set_number(1);
    EXPECT_OK(tx.InsertEpoch(attempt, epoch));
    if (ended_unix_ms == 0) return;
    EXPECT_OK(tx.MoveRun(id, v1::RUN_STATE_QUEUED, v1::RUN_STATE_CANCELLED, ended_unix_ms));
  }

  absl::StatusOr<v1::CollectGarbageResponse> Collect(std::optional<double> keep_days = {},
                                                     bool dry_run = false, bool compact = false,
                                                     const Stop& stop = nullptr) {
    v1::CollectGarbageRequest request;
    if (keep_days) request.set_keep_days(*keep_days);
    request.set_dry_run(dry_run);
    request.set_compact(compact);
    return CollectGarbage(*store_, file_, request, kNow, stop);
  }

  int Count(const std::string& table, const std::string& run) {
    return OpenDatabase(file_, {.read_only = true})
        .value()
        ->execAndGet("SELECT count(*) FROM " + table + " JOIN attempt ON attempt.key = " + table +
                     ".attempt JOIN run ON run.key = attempt.run WHERE run.id = '" + run + "'")
        .getInt();
  }

  static constexpr int kSamples = 12'000;
  const TempDir dir_;
  const std::string file_ = dir_.File("laptime.db");
  std::unique_ptr<Store> store_;
};

TEST_F(RetentionTest, RemovesSamplesAndLogsOfOldRunsAlone) {
  EXPECT_EQ(kKeepDays, 180);
  ASSERT_OK_AND_ASSIGN(const auto collected, Collect());
  EXPECT_EQ(collected.keep_days(), 180);
  EXPECT_EQ(collected.runs(), 1);
  EXPECT_EQ(collected.samples(), kSamples);
  EXPECT_EQ(collected.log_bytes(), 1000);
  EXPECT_EQ(Count("sample", "old"), 0);
  EXPECT_EQ(Count("log", "old"), 0);
  EXPECT_EQ(Count("epoch", "old"), 1);  // for ever
  for (const std::string run : {"new", "goes on"}) {
    EXPECT_EQ(Count("sample", run), kSamples) << run;
    EXPECT_EQ(Count("log", run), 1) << run;
  }
  ASSERT_OK_AND_ASSIGN(const auto again, Collect());
  EXPECT_EQ(again.runs(), 0);
  EXPECT_EQ(again.samples(), 0);
}

TEST_F(RetentionTest, NeverTakesFromARunThatGoesOn) {
  ASSERT_OK_AND_ASSIGN(const auto collected, Collect(0));
  EXPECT_EQ(collected.runs(), 2);
  EXPECT_EQ(Count("sample", "goes on"), kSamples);
}

TEST_F(RetentionTest, ADryRunOnlyTells) {
  ASSERT_OK_AND_ASSIGN(const auto told, Collect(5, /*dry_run=*/true));
  EXPECT_EQ(told.runs(), 2);
  EXPECT_EQ(told.samples(), 2 * kSamples);
  EXPECT_EQ(Count("sample", "old"), kSamples);
  EXPECT_EQ(told.bytes_before(), told.bytes_after());
}

TEST_F(RetentionTest, SpaceIsKeptForNewDataUnlessItIsAskedFor) {
  ASSERT_OK_AND_ASSIGN(const auto kept, Collect());
  EXPECT_GT(kept.free_bytes(), 100'000);
  EXPECT_FALSE(std::filesystem::exists(file_ + "-wal") &&
               std::filesystem::file_size(file_ + "-wal") > 0);
  ASSERT_OK_AND_ASSIGN(const auto returned, Collect({}, false, /*compact=*/true));
  EXPECT_EQ(returned.free_bytes(), 0);
  EXPECT_LT(returned.bytes_after(), kept.bytes_after() - kept.free_bytes() / 2);
  EXPECT_EQ(Count("sample", "new"), kSamples);
}

TEST_F(RetentionTest, OthersWriteBetweenItsPieces) {
  int pieces = 0;
  ASSERT_OK(Collect({}, false, false, [&] {
    if (Count("sample", "old") < kSamples) ++pieces;
    return false;
  }));
  EXPECT_GE(pieces, kSamples / kRowsAtATime);
}

TEST_F(RetentionTest, BreaksOffWhenNobodyWaits) {
  EXPECT_THAT(Collect({}, false, false, [] { return true; }),
              StatusIs(absl::StatusCode::kCancelled, ::testing::_));
  EXPECT_THAT(Collect(-1), StatusIs(absl::StatusCode::kInvalidArgument, ::testing::_));
}

}  // namespace
}  // namespace laptime::storage
