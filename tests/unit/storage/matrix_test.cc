#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using MatrixRun = Reader::MatrixRun;

std::string SnapshotOf(const std::string& libtorch) {
  return R"({"trainer":{"versions":{"libtorch":")" + libtorch + R"("}}})";
}

class MatrixTest : public DatabaseTest {
 protected:
  MatrixTest() {
    Seeder::AddHost(tx_);
    Seeder::AddJob(tx_, "j1");
  }

  // A run with an attempt that started with the snapshot.
  void Start(const std::string& run, const std::string& snapshot, int64_t device = 1,
             int64_t at = 5000) {
    Seeder::AddRun(tx_, run, "j1", device);
    v1::AttemptStarted started;
    started.set_snapshot_json(snapshot);
    started.set_started_unix_ms(at);
    const v1::AttemptRef attempt = tx_.InsertAttempt(run, "command-" + run, at).value();
    ASSERT_OK(tx_.SetAttemptStarted(attempt, started));
  }

  void Probe(const std::string& snapshot, int64_t at) {
    v1::DeviceProbe probe;
    probe.set_device("cpu");
    probe.set_snapshot_json(snapshot);
    probe.set_probed_unix_ms(at);
    ASSERT_OK(tx_.PutProbe("h1", probe));
  }
};

TEST_F(MatrixTest, ReadsTheRunsOfWorkloadsNewestFirst) {
  Start("r1", SnapshotOf("2.11.0"));
  database().exec(
      "UPDATE run SET state = 4, validity = 2, median_epoch_seconds = 12.5, ended_unix_ms = 9000 "
      "WHERE id = 'r1'");
  Start("r2", SnapshotOf("2.12.0"), /*device=*/2);
  database().exec(
      "UPDATE run SET state = 4, validity = 5, validity_reasons = '[\"slept\",\"swap\"]' "
      "WHERE id = 'r2'");
  Seeder::AddRun(tx_, "r3", "j1");
  database().exec("UPDATE run SET state = 5, failure_message = 'no data' WHERE id = 'r3'");
  ASSERT_OK_AND_ASSIGN(const std::vector<MatrixRun> runs, tx_.MatrixRuns({"abc123"}));
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].state, v1::RUN_STATE_FAILED);
  EXPECT_EQ(runs[0].libtorch, "");
  EXPECT_EQ(runs[0].trouble, "no data");
  EXPECT_EQ(runs[1].device_key, 2);
  EXPECT_EQ(runs[1].validity, v1::VALIDITY_INVALID);
  EXPECT_EQ(runs[1].libtorch, "2.12.0");
  EXPECT_EQ(runs[1].trouble, "slept");
  EXPECT_EQ(runs[1].seconds, std::nullopt);
  EXPECT_EQ(runs[2].libtorch, "2.11.0");
  EXPECT_EQ(runs[2].seconds, 12.5);
  EXPECT_EQ(runs[2].ended_unix_ms, 9000);
  EXPECT_EQ(runs[2].trouble, "");
  EXPECT_EQ(runs[2].workload_hash, "abc123");
  EXPECT_EQ(tx_.MatrixRuns({"other", "abc123"}).value().size(), 3u);
  EXPECT_TRUE(tx_.MatrixRuns({"other"}).value().empty());
  EXPECT_TRUE(tx_.MatrixRuns({}).value().empty());
}

TEST_F(MatrixTest, DamagedSnapshotsSayNothing) {
  Start("r1", "{damaged");
  Start("r2", "{}");
  ASSERT_OK_AND_ASSIGN(const std::vector<MatrixRun> runs, tx_.MatrixRuns({"abc123"}));
  EXPECT_EQ(runs.size(), 2u);
  for (const MatrixRun& run : runs) EXPECT_EQ(run.libtorch, "");
  EXPECT_EQ(tx_.PresentLibTorch(1).value(), "");
}

TEST_F(MatrixTest, TheNewestRunOrProbeSaysWhatADeviceHas) {
  EXPECT_EQ(tx_.PresentLibTorch(1).value(), "");
  Start("r1", SnapshotOf("1"), 1, 5000);
  Start("r2", SnapshotOf("2"), 1, 6000);
  Seeder::AddRun(tx_, "r3", "j1");  // waits
  Start("other", SnapshotOf("9"), /*device=*/2, 9000);
  EXPECT_EQ(tx_.PresentLibTorch(1).value(), "2");
  Probe(SnapshotOf("3"), 5500);
  EXPECT_EQ(tx_.PresentLibTorch(1).value(), "2");
  Probe(SnapshotOf("4"), 7000);
  EXPECT_EQ(tx_.PresentLibTorch(1).value(), "4");
}

}  // namespace
}  // namespace laptime::storage
