#include "agent/spool.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using testing::TempDir;

v1::AttemptRef Attempt(const std::string& run, int number = 1, int64_t token = 1) {
  v1::AttemptRef attempt;
  attempt.set_run_id(run);
  attempt.set_number(number);
  attempt.set_fencing_token(token);
  return attempt;
}

v1::StartRun Start(const v1::AttemptRef& attempt) {
  v1::StartRun start;
  start.set_command_id("c-" + attempt.run_id());
  *start.mutable_attempt() = attempt;
  return start;
}

v1::Report EpochReport(int number) {
  v1::Report report;
  *report.mutable_attempt() = Attempt("run");
  report.mutable_epoch_finished()->set_number(number);
  return report;
}

v1::Report FinishedReport() {
  v1::Report report;
  *report.mutable_attempt() = Attempt("run");
  report.mutable_finished();
  return report;
}

v1::Report SamplesReport(size_t values) {
  v1::Report report;
  v1::SampleSeries* series = report.mutable_samples()->add_series();
  for (size_t i = 0; i < values; ++i) series->add_values(1.0);
  return report;
}

v1::Report LogReport(size_t bytes) {
  v1::Report report;
  report.mutable_log_chunk()->set_text(std::string(bytes, 'x'));
  return report;
}

class SpoolTest : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> Open(int64_t max_bytes = SpoolOptions().max_bytes) {
    auto spool = Spool::Open(dir_.File("spool.db"), {max_bytes});
    EXPECT_OK(spool);
    return *std::move(spool);
  }

  TempDir dir_;
};

TEST_F(SpoolTest, GivesReportsBackInOrderWithGrowingNumbers) {
  auto spool = Open();
  EXPECT_EQ(*spool->NextSeq(), 1u);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(*spool->Append(EpochReport(i)), static_cast<uint64_t>(i));
  const auto reports = *spool->ReadFrom(2, 10);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[0].seq(), 2u);
  EXPECT_EQ(reports[0].epoch_finished().number(), 2);
  EXPECT_EQ(reports[1].seq(), 3u);
  EXPECT_EQ(spool->ReadFrom(1, 2)->size(), 2u);
  EXPECT_EQ(*spool->NextSeq(), 4u);
}

TEST_F(SpoolTest, KeepsEverythingWhenReopened) {
  std::string id;
  {
    auto spool = Open();
    id = spool->id();
    ASSERT_OK(spool->Record(Start(Attempt("run"))));
    ASSERT_OK(spool->Append(EpochReport(1)));
    ASSERT_OK(spool->Append(EpochReport(2)));
    ASSERT_OK(spool->DeleteThrough(1));
  }
  auto spool = Open();
  EXPECT_EQ(spool->id(), id);
  const auto reports = *spool->ReadFrom(0, 10);
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].seq(), 2u);
  ASSERT_EQ(spool->OpenAttempts()->size(), 1u);
  EXPECT_EQ(spool->OpenAttempts()->at(0).start.command_id(), "c-run");
}

TEST_F(SpoolTest, NeverUsesANumberTwice) {
  {
    auto spool = Open();
    ASSERT_OK(spool->Append(EpochReport(1)));
    ASSERT_OK(spool->Append(EpochReport(2)));
    ASSERT_OK(spool->DeleteThrough(2));
  }
  auto spool = Open();
  EXPECT_EQ(*spool->NextSeq(), 3u);
  EXPECT_EQ(*spool->Append(EpochReport(3)), 3u);
}

TEST_F(SpoolTest, HasANewIdInANewFile) {
  const std::string id = Open()->id();
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(dir_.File("spool.db") + suffix);
  EXPECT_NE(Open()->id(), id);
}

TEST_F(SpoolTest, LeavesOutADamagedReport) {
  auto spool = Open();
  for (int number : {1, 2, 3}) ASSERT_OK(spool->Append(EpochReport(number)));
  SQLite::Database(dir_.File("spool.db"), SQLite::OPEN_READWRITE)
      .exec("UPDATE report SET bytes = x'ff' WHERE seq = 2");
  const auto reports = *spool->ReadFrom(1, 10);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].seq(), 3u);
}

TEST_F(SpoolTest, ADamagedEndIsAnEndAllTheSame) {
  auto spool = Open();
  ASSERT_OK(spool->Record(Start(Attempt("run"))));
  ASSERT_OK(spool->Append(EpochReport(1)));
  const uint64_t end = *spool->Append(FinishedReport());
  EXPECT_EQ((*spool->Find(Attempt("run")))->end_seq, end);
  SQLite::Database(dir_.File("spool.db"), SQLite::OPEN_READWRITE)
      .exec("UPDATE report SET bytes = x'ff' WHERE seq = 2");
  const auto reports = *spool->ReadFrom(1, 10);
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].seq(), end);
  EXPECT_EQ(reports[1].attempt().run_id(), "run");
  EXPECT_EQ(reports[1].failed().cause(), v1::FAILURE_CAUSE_INFRASTRUCTURE);
}

TEST_F(SpoolTest, NumbersOnFromWhatTheCoordinatorHas) {
  for (const bool used_before : {false, true}) {
    auto spool = Open();
    if (used_before) {
      ASSERT_OK(spool->Append(EpochReport(1)));
    }
    const uint64_t from = used_before ? 200 : 100;
    ASSERT_OK(spool->NumberFrom(from));
    ASSERT_OK(spool->NumberFrom(5));  // never back
    EXPECT_EQ(*spool->NextSeq(), from);
    EXPECT_EQ(*spool->Append(EpochReport(1)), from);
  }
}

TEST_F(SpoolTest, MovesADamagedFileAsideAndBeginsAnew) {
  { Open(); }
  std::ofstream(dir_.File("spool.db")) << std::string(8192, 'x');
  auto spool = Open();
  EXPECT_OK(spool->Append(EpochReport(1)));
  EXPECT_TRUE(std::filesystem::exists(dir_.File("spool.db.damaged")));
}

TEST_F(SpoolTest, EndsAnAttemptOnlyWhenItsEndIsAcknowledged) {
  using State = RecordedAttempt::State;
  auto spool = Open();
  ASSERT_OK(spool->Record(Start(Attempt("run"))));
  ASSERT_OK(spool->Append(EpochReport(1)));
  const uint64_t end = *spool->Append(FinishedReport());
  EXPECT_EQ((*spool->Find(Attempt("run")))->state, State::kEndSpooled);
  ASSERT_OK(spool->DeleteThrough(end - 1));
  EXPECT_EQ(spool->OpenAttempts()->size(), 1u);
  ASSERT_OK(spool->DeleteThrough(end));
  EXPECT_TRUE(spool->OpenAttempts()->empty());
  EXPECT_EQ((*spool->Find(Attempt("run")))->state, State::kEnded);
}

TEST_F(SpoolTest, RemembersHowFarARunHasBeenStored) {
  auto spool = Open();
  EXPECT_EQ(*spool->RecordedEpochs("run"), 0);
  ASSERT_OK(spool->Record(Start(Attempt("run"))));
  ASSERT_OK(spool->Append(EpochReport(1)));
  const uint64_t last = *spool->Append(EpochReport(2));
  EXPECT_EQ(*spool->RecordedEpochs("run"), 2);
  ASSERT_OK(spool->DeleteThrough(last));
  ASSERT_OK(spool->Record(Start(Attempt("run", 2))));
  EXPECT_EQ(*spool->RecordedEpochs("run"), 2);
  EXPECT_EQ(*spool->RecordedEpochs("another"), 0);
}

// In the attempts, which opening a spool has no other reason to read.
TEST_F(SpoolTest, SetsAsideAFileThatIsDamagedDeepInside) {
  std::string id;
  {
    auto spool = Open();
    id = spool->id();
    ASSERT_OK(spool->Record(Start(Attempt("run"))));
  }
  int page = 0;
  {
    SQLite::Database file(dir_.File("spool.db"), SQLite::OPEN_READWRITE);
    file.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    page = file.execAndGet("SELECT rootpage FROM sqlite_schema WHERE name = 'attempt'");
  }
  constexpr int kPageBytes = 4096;
  std::fstream(dir_.File("spool.db"), std::ios::in | std::ios::out | std::ios::binary)
          .seekp(std::streamoff{kPageBytes} * (page - 1))
      << std::string(kPageBytes, '\x55');
  auto spool = Open();
  EXPECT_NE(spool->id(), id);
  EXPECT_TRUE(std::filesystem::exists(dir_.File("spool.db.damaged")));
}

TEST_F(SpoolTest, KeepsTheFirstRecordOfAnAttempt) {
  auto spool = Open();
  ASSERT_OK(spool->Record(Start(Attempt("run"))));
  ASSERT_OK(spool->MarkDead(Attempt("run")));
  ASSERT_OK(spool->Record(Start(Attempt("run"))));
  EXPECT_EQ((*spool->Find(Attempt("run")))->state, RecordedAttempt::State::kDead);
  EXPECT_FALSE(*spool->Find(Attempt("other")));
  EXPECT_FALSE(*spool->Find(Attempt("run", 2)));
}

TEST_F(SpoolTest, KnowsTheHighestFencingTokenOfARun) {
  auto spool = Open();
  EXPECT_EQ(*spool->HighestToken("run"), 0);
  ASSERT_OK(spool->Record(Start(Attempt("run", 1, 7))));
  ASSERT_OK(spool->Record(Start(Attempt("run", 2, 9))));
  EXPECT_EQ(*spool->HighestToken("run"), 9);
}

TEST_F(SpoolTest, ThinsSamplesThenDropsLogsAndKeepsEpochs) {
  auto spool = Open(/*max_bytes=*/20'000);
  for (int i = 0; i < 10; ++i) ASSERT_OK(spool->Append(SamplesReport(100)));  // 8 kB
  for (int i = 0; i < 10; ++i) ASSERT_OK(spool->Append(LogReport(1000)));     // 10 kB
  const auto count = [&spool] {
    int samples = 0, logs = 0, epochs = 0;
    const std::vector<v1::Report> reports = *spool->ReadFrom(0, 100'000);
    for (const v1::Report& report : reports) {
      samples += report.has_samples();
      logs += report.has_log_chunk();
      epochs += report.has_epoch_finished();
    }
    return std::tuple(samples, logs, epochs);
  };
  ASSERT_EQ(count(), std::tuple(10, 10, 0));
  ASSERT_OK(spool->Append(LogReport(3000)));
  EXPECT_EQ(count(), std::tuple(5, 11, 0));
  ASSERT_OK(spool->Append(LogReport(6000)));
  EXPECT_EQ(count(), std::tuple(0, 12, 0));
  v1::Report large = EpochReport(1);
  large.mutable_epoch_finished()->mutable_utilization()->set_source(std::string(1000, 'x'));
  for (int i = 0; i < 30; ++i) ASSERT_NE(*spool->Append(large), 0u);
  EXPECT_EQ(count(), std::tuple(0, 0, 30));
  // Nothing is left to give way: what may be dropped is dropped, what may not is stored.
  EXPECT_EQ(*spool->Append(LogReport(1000)), 0u);
  EXPECT_EQ(*spool->Append(SamplesReport(100)), 0u);
  EXPECT_NE(*spool->Append(FinishedReport()), 0u);
}

TEST_F(SpoolTest, HasRoomAgainAfterAcknowledgements) {
  auto spool = Open(/*max_bytes=*/5'000);
  const uint64_t seq = *spool->Append(LogReport(4'000));
  ASSERT_OK(spool->DeleteThrough(seq));
  ASSERT_NE(*spool->Append(LogReport(4'000)), 0u);
  EXPECT_EQ(spool->ReadFrom(0, 10)->size(), 1u);
}

}  // namespace
}  // namespace laptime::agent
