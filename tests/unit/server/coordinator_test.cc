#include "server/coordinator.h"

#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using testing::FakeLink;
using ::testing::HasSubstr;
using testing::StatusIs;

class CoordinatorTest : public testing::CoordinatorFixture {};

TEST_F(CoordinatorTest, WelcomesAnAgentWithWhatItHasCommitted) {
  auto link = Attach("box");
  ASSERT_FALSE(link->sent().empty());
  const v1::Welcome welcome = link->sent()[0].welcome();
  EXPECT_EQ(welcome.acked_seq(), 0u);
  EXPECT_GT(welcome.lease_seconds(), 2 * welcome.heartbeat_seconds());
}

TEST_F(CoordinatorTest, RefusesAHelloItCannotServe) {
  auto link = std::make_shared<FakeLink>();
  v1::Hello hello = HelloOf("box");
  hello.set_protocol(9);
  EXPECT_THAT(AttachWith(link, hello),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("protocol 9")));
  hello = HelloOf("a/b");
  EXPECT_THAT(AttachWith(link, hello),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a/b")));
  hello = HelloOf("box", {"cpu=1"});
  EXPECT_THAT(AttachWith(link, hello),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("cpu=1")));
  hello = HelloOf("box");
  hello.mutable_host()->set_id("id\x1b[2J");
  EXPECT_THAT(AttachWith(link, hello),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("host id")));
}

TEST_F(CoordinatorTest, KeepsWhatADeviceCanDoWithinALimit) {
  Attach("box");
  v1::DeviceProbe probe;
  probe.set_device("cpu");
  probe.set_probed_unix_ms(1);
  for (int i = 0; i < kMaxProbeRows; ++i) probe.mutable_result()->add_rates();
  const auto stored = [this] {
    Settle();
    int rates = -1;
    EXPECT_OK(store_->Read([&rates](const storage::Reader& reader) -> absl::Status {
      auto devices = reader.Devices();
      if (!devices.ok()) return devices.status();
      auto found = reader.Capabilities(devices->at(0).key);
      if (!found.ok()) return found.status();
      if (found->has_value()) rates = (*found)->result().rates_size();
      return absl::OkStatus();
    }));
    return rates;
  };
  probe.mutable_result()->add_capabilities();
  coordinator_->Probed("id-box", probe);
  EXPECT_EQ(stored(), -1);
  probe.mutable_result()->clear_capabilities();
  coordinator_->Probed("id-box", probe);
  EXPECT_EQ(stored(), kMaxProbeRows);
}

TEST_F(CoordinatorTest, RefusesASecondHostOfTheSameName) {
  Attach("box");
  v1::Hello hello = HelloOf("box");
  hello.mutable_host()->set_id("another");
  EXPECT_THAT(AttachWith(std::make_shared<FakeLink>(), hello),
              StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("box")));
}

TEST_F(CoordinatorTest, TakesARunFromSubmissionToItsEnd) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  ASSERT_EQ(link->starts().size(), 1u);
  const v1::StartRun start = link->starts()[0];
  EXPECT_EQ(start.device(), "cpu");
  EXPECT_EQ(start.attempt().number(), 1);
  EXPECT_THAT(start.config_json(), HasSubstr("\"batch_size\":128"));
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_ASSIGNED);

  const v1::AttemptRef attempt = Complete("box", *link, 10);
  const v1::Run run = RunOf(attempt.run_id());
  EXPECT_EQ(run.state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(run.epochs_done(), 2);
  EXPECT_EQ(run.median_epoch_seconds(), 10);
  EXPECT_EQ(run.fit_seconds_per_epoch(), 11);
  EXPECT_DOUBLE_EQ(run.knn_accuracy(), 0.4);
  EXPECT_EQ(run.dataset(), "cifar10@1a2b3c4d");
}

TEST_F(CoordinatorTest, RunsOneAtATimeOnAMachineAndAllInTheEnd) {
  auto link = Attach("box", {"cpu", "cpu-1t"});
  const v1::SubmitJobResponse job = SubmitTo("all", 2);
  ASSERT_EQ(job.runs_size(), 4);
  for (size_t done = 1; done <= 4; ++done) {
    ASSERT_EQ(link->starts().size(), done);
    Complete("box", *link);
  }
  for (const v1::Run& run : job.runs()) EXPECT_EQ(RunOf(run.id()).state(), v1::RUN_STATE_SUCCEEDED);
}

TEST_F(CoordinatorTest, SeedsOfRepetitionsDiffer) {
  Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu", 3);
  EXPECT_EQ(job.runs(0).seed(), 1);
  EXPECT_EQ(job.runs(2).seed(), 3);
}

TEST_F(CoordinatorTest, AHigherPriorityGoesFirst) {
  auto link = Attach("box");
  SubmitTo("box/cpu");  // occupies the machine
  v1::SubmitJobRequest request;
  request.add_selectors("box/cpu");
  Submit(request);
  request.set_priority(5);
  const v1::SubmitJobResponse urgent = Submit(request);
  Complete("box", *link);
  ASSERT_EQ(link->starts().size(), 2u);
  EXPECT_EQ(link->starts()[1].attempt().run_id(), urgent.runs(0).id());
}

TEST_F(CoordinatorTest, CountsARepeatedReportOnce) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(EpochDone("box", attempt, 1, 10));
  --seq_;
  ASSERT_OK(EpochDone("box", attempt, 1, 99));  // the same number in the spool
  ASSERT_EQ(EpochsOf(attempt).size(), 1u);
  EXPECT_EQ(EpochsOf(attempt)[0].wall_seconds(), 10);
}

TEST_F(CoordinatorTest, IgnoresReportsOfAttemptsThatAreNotTheHosts) {
  auto link = Attach("box");
  Attach("other");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(EpochDone("other", attempt, 1));
  v1::AttemptRef forged = attempt;
  forged.set_fencing_token(attempt.fencing_token() + 1);
  ASSERT_OK(EpochDone("box", forged, 1));
  EXPECT_TRUE(EpochsOf(attempt).empty());
}

TEST_F(CoordinatorTest, ALateReportNeverHoldsUpTheSpool) {
  Attach("box");
  v1::AttemptRef unknown;
  unknown.set_run_id("no-such-run");
  unknown.set_number(1);
  ASSERT_OK(EpochDone("box", unknown, 1));
  auto again = std::make_shared<FakeLink>();
  ASSERT_OK(AttachWith(again, HelloOf("box")));
  EXPECT_EQ(again->sent()[0].welcome().acked_seq(), seq_);
}

TEST_F(CoordinatorTest, RetriesInfrastructureFailuresTwice) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  for (size_t attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_EQ(link->starts().size(), attempt);
    EXPECT_EQ(link->starts().back().attempt().number(), static_cast<int>(attempt));
    ASSERT_OK(Started("box", link->starts().back().attempt()));
    ASSERT_OK(Failed("box", link->starts().back().attempt(), v1::FAILURE_CAUSE_INFRASTRUCTURE));
  }
  EXPECT_EQ(link->starts().size(), 3u);
  const v1::Run run = RunOf(job.runs(0).id());
  EXPECT_EQ(run.state(), v1::RUN_STATE_FAILED);
  EXPECT_EQ(run.failure().message(), "it broke");
}

TEST_F(CoordinatorTest, NeverRetriesWhatTheWorkloadOrTheSetupCaused) {
  for (v1::FailureCause cause : {v1::FAILURE_CAUSE_WORKLOAD, v1::FAILURE_CAUSE_SETUP}) {
    auto link = Attach("box");
    const v1::SubmitJobResponse job = SubmitTo("box/cpu");
    ASSERT_EQ(link->starts().size(), 1u);
    ASSERT_OK(Failed("box", link->starts()[0].attempt(), cause));
    EXPECT_EQ(link->starts().size(), 1u);
    EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_FAILED);
  }
}

TEST_F(CoordinatorTest, ReportsOfAnOlderAttemptAreStoredUnderItAndNeverCounted) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef first = link->starts()[0].attempt();
  ASSERT_OK(Started("box", first));
  ASSERT_OK(Failed("box", first, v1::FAILURE_CAUSE_INFRASTRUCTURE));
  const v1::AttemptRef second = link->starts()[1].attempt();
  EXPECT_GT(second.fencing_token(), first.fencing_token());
  ASSERT_OK(Started("box", second));
  ASSERT_OK(EpochDone("box", first, 1, 77));
  ASSERT_OK(Finished("box", first));
  const v1::Run run = RunOf(first.run_id());
  EXPECT_EQ(run.state(), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(run.epochs_done(), 0);
  EXPECT_EQ(EpochsOf(first).size(), 1u);
}

TEST_F(CoordinatorTest, FinishedWithoutEveryEpochIsAFailure) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(EpochDone("box", attempt, 1));
  ASSERT_OK(Finished("box", attempt));
  EXPECT_THAT(RunOf(attempt.run_id()).failure().message(), HasSubstr("after 1 of 2 epochs"));
}

TEST_F(CoordinatorTest, ARefusedStartFailsTheAttempt) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  v1::CommandResult result;
  result.set_command_id(link->starts()[0].command_id());
  result.mutable_failure()->set_cause(v1::FAILURE_CAUSE_SETUP);
  result.mutable_failure()->set_message("no such device");
  coordinator_->Answered("id-box", result);
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_FAILED);
  EXPECT_TRUE(registry_->IsFree("id-box"));
}

TEST_F(CoordinatorTest, AnAgentThatCannotTakeWorkIsNotAskedAgainAtOnce) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu", 2);
  v1::CommandResult result;
  result.set_command_id(link->starts()[0].command_id());
  result.mutable_failure()->set_cause(v1::FAILURE_CAUSE_INFRASTRUCTURE);
  result.mutable_failure()->set_message("the disk is full");
  coordinator_->Answered("id-box", result);
  Settle();
  EXPECT_EQ(link->starts().size(), 1u);
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_QUEUED);
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(link->starts().size(), 2u);
}

TEST_F(CoordinatorTest, OneHostCannotFreeAnothersMachine) {
  auto link = Attach("box");
  Attach("other");
  SubmitTo("box/cpu");
  EXPECT_FALSE(registry_->IsFree("id-box"));
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  v1::CommandResult stopped;
  stopped.set_command_id(StopCommandId(attempt));
  stopped.set_accepted(true);
  coordinator_->Answered("id-other", stopped);
  Settle();
  EXPECT_FALSE(registry_->IsFree("id-box"));
}

TEST_F(CoordinatorTest, CancelStopsTheTrainerBeforeTheNextRunStarts) {
  auto link = Attach("box");
  const v1::SubmitJobResponse first = SubmitTo("box/cpu");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(desk_->Cancel(first.job().id()));
  Settle();
  ASSERT_EQ(link->stops().size(), 1u);
  EXPECT_EQ(link->starts().size(), 1u);  // the old trainer may still be alive
  v1::Report stopped = NewReport(attempt);
  stopped.mutable_stopped()->set_ended_unix_ms(5);
  ASSERT_OK(Take("box", stopped));
  EXPECT_EQ(link->starts().size(), 2u);
}

TEST_F(CoordinatorTest, NothingIsTakenAfterAReportThatCouldNotBeStored) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  std::vector<v1::Report> laps;
  for (int number : {1, 2}) {
    laps.push_back(NewReport(attempt));
    laps.back().mutable_epoch_finished()->set_number(number);
  }
  auto stream = NewStream("box");
  store_->FailNext(1);
  EXPECT_FALSE(Take("box", laps[0], stream).ok());
  EXPECT_THAT(Take("box", laps[1], stream),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("disk is full")));
  auto again = std::make_shared<FakeLink>();
  v1::Hello hello = HelloOf("box");
  AddHeld(hello, attempt, /*alive=*/true);
  ASSERT_OK(AttachWith(again, hello));
  EXPECT_EQ(again->sent()[0].welcome().acked_seq(), laps[0].seq() - 1);
  for (const v1::Report& lap : laps) ASSERT_OK(Take("box", lap));
  EXPECT_EQ(EpochsOf(attempt).size(), 2u);
}

TEST_F(CoordinatorTest, CutsTheStreamWhoseAnswerCouldNotBeStored) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  v1::CommandResult result;
  result.set_command_id(link->starts()[0].command_id());
  result.set_accepted(true);
  store_->FailNext(1);
  coordinator_->Answered("id-box", result);
  Settle();
  EXPECT_TRUE(link->closed());
}

TEST_F(CoordinatorTest, LooksAgainForWorkThatItFailedToHandOut) {
  auto link = Attach("box");
  // The submission's own look for work follows its commit.
  store_->FailAfter(1, 1);
  SubmitTo("box/cpu");
  EXPECT_TRUE(link->starts().empty());
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(link->starts().size(), 1u);
}

TEST_F(CoordinatorTest, AnEndWithoutABeginningIsAFailure) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  ASSERT_OK(Finished("box", link->starts()[0].attempt()));
  ASSERT_EQ(link->starts().size(), 2u);  // tried again
  EXPECT_EQ(link->starts()[1].attempt().number(), 2);
}

TEST_F(CoordinatorTest, TellsWatchersEachEventOnceAndTheEndLast) {
  auto link = Attach("box");
  v1::SubmitJobRequest request;
  request.add_selectors("box/cpu");
  const v1::SubmitJobResponse job = Submit(request);
  std::vector<v1::JobEvent> seen;
  hub_.Watch(job.job().id(), [&](const v1::JobEvent& event) { seen.push_back(event); });
  Complete("box", *link);
  ASSERT_EQ(seen.size(), 5u);  // RUNNING, two laps, SUCCEEDED, the job's end
  EXPECT_EQ(seen[0].run_changed().state(), v1::RUN_STATE_RUNNING);
  EXPECT_EQ(seen[1].epoch_finished().number(), 1);
  EXPECT_EQ(seen[3].run_changed().state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(seen[4].job_ended(), v1::JOB_STATE_SUCCEEDED);
  for (size_t i = 1; i < seen.size(); ++i) EXPECT_GT(seen[i].seq(), seen[i - 1].seq());
}

TEST_F(CoordinatorTest, ProgressIsToldOfTheRunThatRuns) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  int told = 0;
  hub_.Watch(job.job().id(), [&](const v1::JobEvent& event) { told += event.has_progress(); });
  const auto told_after_progress = [&](int number, const std::string& host_id = "id-box") {
    v1::Progress progress;
    *progress.mutable_attempt() = attempt;
    progress.mutable_attempt()->set_number(number);
    coordinator_->Progressed(host_id, progress);
    Settle();
    return told;
  };
  EXPECT_EQ(told_after_progress(1), 0);  // it has not begun
  ASSERT_OK(Started("box", attempt));
  EXPECT_EQ(told_after_progress(1), 1);
  EXPECT_EQ(told_after_progress(2), 1);              // another attempt's
  EXPECT_EQ(told_after_progress(1, "id-other"), 1);  // another host's
  EXPECT_OK(EpochDone("box", attempt, 1));
  EXPECT_OK(EpochDone("box", attempt, 2));
  EXPECT_OK(Finished("box", attempt));
  EXPECT_EQ(told_after_progress(1), 1);  // it is over
}

}  // namespace
}  // namespace laptime
