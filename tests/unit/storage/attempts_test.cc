#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::HasSubstr;

class AttemptsTest : public DatabaseTest {
 protected:
  const v1::AttemptRef first_ = Seeder::AddAttempt(tx_);
};

TEST_F(AttemptsTest, AreNumberedAndTheirTokensGrow) {
  ASSERT_OK_AND_ASSIGN(const v1::AttemptRef second, tx_.InsertAttempt("r1", "command-2", 4000));
  EXPECT_EQ(first_.number(), 1);
  EXPECT_EQ(second.number(), 2);
  EXPECT_GT(second.fencing_token(), first_.fencing_token());
  EXPECT_EQ(tx_.FindRun("r1").value().run.attempt(), 2);
  EXPECT_FALSE(tx_.FindAttempt("r1", 1).value().newest);
  ASSERT_OK_AND_ASSIGN(const AttemptRow row, tx_.FindAttempt("r1", 2));
  EXPECT_TRUE(row.newest);
  EXPECT_EQ(row.ref.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(row.command_id, "command-2");
  EXPECT_EQ(row.host_id, "h1");
  EXPECT_EQ(row.state, v1::ATTEMPT_STATE_SENT);
  EXPECT_EQ(row.run_state, v1::RUN_STATE_QUEUED);
  EXPECT_THAT(tx_.FindAttempt("r1", 3),
              StatusIs(absl::StatusCode::kNotFound, "no attempt 3 of run r1"));
  EXPECT_EQ(tx_.InsertAttempt("r9", "", 0).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(AttemptsTest, AForeignFencingTokenIsRefused) {
  v1::AttemptRef forged = first_;
  forged.set_fencing_token(first_.fencing_token() + 1);
  v1::Epoch epoch;
  epoch.set_number(1);
  EXPECT_THAT(tx_.InsertEpoch(forged, epoch),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("fencing token")));
  EXPECT_EQ(tx_.MoveAttempt(forged, v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_RUNNING, 0).code(),
            absl::StatusCode::kNotFound);
  EXPECT_EQ(tx_.InsertLog(forged, {}).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(tx_.InsertSamples(forged, {}).code(), absl::StatusCode::kNotFound);
}

TEST_F(AttemptsTest, AMoveHasOneWinner) {
  EXPECT_OK(tx_.MoveAttempt(first_, v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_RUNNING, 10));
  EXPECT_THAT(
      tx_.MoveAttempt(first_, v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_FAILED, 11),
      StatusIs(absl::StatusCode::kAborted, "attempt 1 of run r1 is RUNNING, no longer SENT"));
  EXPECT_OK(tx_.MoveAttempt(first_, v1::ATTEMPT_STATE_RUNNING, v1::ATTEMPT_STATE_FAILED, 12));
  const v1::Attempt attempt = tx_.Attempts("r1").value().at(0);
  EXPECT_EQ(attempt.started_unix_ms(), 10);
  EXPECT_EQ(attempt.ended_unix_ms(), 12);
}

TEST_F(AttemptsTest, OpenOnesAreThoseThatHaveNotEnded) {
  EXPECT_EQ(tx_.OpenAttempts("").value().size(), 1);
  EXPECT_EQ(tx_.OpenAttempts("h1").value().size(), 1);
  EXPECT_EQ(tx_.OpenAttempts("h2").value().size(), 0);
  ASSERT_OK(tx_.MoveAttempt(first_, v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_CANCELLED, 0));
  EXPECT_EQ(tx_.OpenAttempts("").value().size(), 0);
}

TEST_F(AttemptsTest, FreezesTheSnapshotOnce) {
  v1::AttemptStarted started;
  started.set_snapshot_json(R"({"dataset":{"name":"cifar10@1a2b3c4d"},"host":"studio"})");
  started.set_started_unix_ms(77);
  started.mutable_trainer()->set_device("cpu");
  EXPECT_EQ(tx_.SnapshotJson("r1", 1).value(), "");
  ASSERT_OK(tx_.SetAttemptStarted(first_, started));
  ASSERT_OK_AND_ASSIGN(const v1::AttemptRef second, tx_.InsertAttempt("r1", "command-2", 4000));
  ASSERT_OK(tx_.SetAttemptStarted(second, started));
  EXPECT_EQ(tx_.SnapshotJson("r1", 1).value(), started.snapshot_json());
  EXPECT_EQ(tx_.SnapshotJson("r1", 0).value(), started.snapshot_json());
  EXPECT_EQ(tx_.FindRun("r1").value().run.dataset(), "cifar10@1a2b3c4d");
  EXPECT_EQ(tx_.Attempts("r1").value().at(1).started_unix_ms(), 77);
  EXPECT_EQ(Ask("SELECT count(*) || ' ' || hash FROM snapshot"),
            "1 8cfd7e626a7c83c3033710572a6e388a9270cc327cf4205a11b608cfd7c76675");
  EXPECT_EQ(Ask("SELECT trainer_json ->> 'device' FROM attempt"), "cpu");
}

TEST_F(AttemptsTest, ASnapshotThatIsNoObjectHasNoDataset) {
  v1::AttemptStarted started;
  for (const std::string json : {"", "[", "7", "{}", R"({"dataset":7})", R"({"dataset":["x"]})",
                                 R"({"dataset":{"name":7}})"}) {
    started.set_snapshot_json(json);
    EXPECT_OK(tx_.SetAttemptStarted(first_, started));
    EXPECT_EQ(tx_.FindRun("r1").value().run.dataset(), "");
  }
}

TEST_F(AttemptsTest, KeepsWhatTheTrainerSaidAtItsEnd) {
  v1::AttemptFinished finished;
  finished.set_ended_unix_ms(99);
  finished.mutable_trainer()->set_fit_seconds(30);
  finished.mutable_trainer()->set_max_knn_accuracy(0);
  finished.mutable_trainer()->set_peak_memory_bytes(1e9);
  finished.mutable_trainer()->set_epochs(2);
  finished.mutable_warm_up()->set_time_to_first_batch(0.5);
  ASSERT_OK(tx_.SetAttemptFinished(first_, finished));
  const v1::Attempt attempt = tx_.Attempts("r1").value().at(0);
  EXPECT_EQ(attempt.finished().DebugString(), finished.trainer().DebugString());
  EXPECT_EQ(attempt.warm_up().DebugString(), finished.warm_up().DebugString());
  EXPECT_EQ(attempt.ended_unix_ms(), 99);
  EXPECT_EQ(tx_.FindRun("r1").value().run.fit_seconds_per_epoch(), 15);
  EXPECT_EQ(tx_.FindRun("r1").value().run.peak_memory_bytes(), 1e9);
}

TEST_F(AttemptsTest, KeepsFailures) {
  EXPECT_FALSE(tx_.Attempts("r1").value().at(0).has_failure());
  v1::Failure failure;
  failure.set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
  failure.set_message("killed by signal 9");
  ASSERT_OK(tx_.SetAttemptFailure(first_, failure));
  EXPECT_EQ(tx_.Attempts("r1").value().at(0).failure().DebugString(), failure.DebugString());
}

}  // namespace
}  // namespace laptime::storage
