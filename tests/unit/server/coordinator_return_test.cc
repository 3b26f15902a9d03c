// What both sides hold when one of them comes back, and what is lost when an agent stays away.

#include "server/coordinator.h"
#include "tests/unit/server/coordinator_fixture.h"

namespace laptime {
namespace {

using namespace std::chrono_literals;
using testing::FakeLink;
using ::testing::HasSubstr;

class CoordinatorReturnTest : public testing::CoordinatorFixture {};

TEST_F(CoordinatorReturnTest, SendsTheSameCommandAgainWhenTheAgentLostItsSpool) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  v1::CommandResult result;
  result.set_command_id(link->starts()[0].command_id());
  result.set_accepted(true);
  coordinator_->Answered("id-box", result);
  Settle();
  auto again = std::make_shared<FakeLink>();
  ASSERT_OK(AttachWith(again, HelloOf("box")));
  ASSERT_EQ(again->starts().size(), 1u);
  EXPECT_EQ(again->starts()[0].command_id(), link->starts()[0].command_id());
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_ASSIGNED);
}

TEST_F(CoordinatorReturnTest, SendsTheSameCommandAgainToAnAgentThatNeverGotIt) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  auto again = std::make_shared<FakeLink>();
  ASSERT_OK(AttachWith(again, HelloOf("box")));
  ASSERT_EQ(again->starts().size(), 1u);
  EXPECT_EQ(again->starts()[0].command_id(), link->starts()[0].command_id());
  EXPECT_EQ(again->starts()[0].attempt().number(), 1);
}

TEST_F(CoordinatorReturnTest, ARunGoesOnOverARestartOfTheCoordinator) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  ASSERT_OK(EpochDone("box", attempt, 1));
  Restart();
  auto again = std::make_shared<FakeLink>();
  v1::Hello hello = HelloOf("box");
  AddHeld(hello, attempt, /*alive=*/true);
  ASSERT_OK(AttachWith(again, hello));
  EXPECT_EQ(again->sent()[0].welcome().acked_seq(), seq_);
  EXPECT_TRUE(again->starts().empty());
  ASSERT_OK(EpochDone("box", attempt, 2));
  ASSERT_OK(Finished("box", attempt));
  EXPECT_EQ(RunOf(attempt.run_id()).state(), v1::RUN_STATE_SUCCEEDED);
  EXPECT_EQ(RunOf(attempt.run_id()).epochs_done(), 2);
}

TEST_F(CoordinatorReturnTest, RetriesAnAttemptThatDiedWithItsAgent) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  auto again = std::make_shared<FakeLink>();
  v1::Hello hello = HelloOf("box");
  AddHeld(hello, attempt, /*alive=*/false);
  ASSERT_OK(AttachWith(again, hello));
  ASSERT_EQ(again->starts().size(), 1u);
  EXPECT_EQ(again->starts()[0].attempt().number(), 2);
}

TEST_F(CoordinatorReturnTest, RetriesARunningAttemptThatTheAgentNoLongerKnows) {
  auto link = Attach("box");
  SubmitTo("box/cpu");
  ASSERT_OK(Started("box", link->starts()[0].attempt()));
  auto again = std::make_shared<FakeLink>();
  ASSERT_OK(AttachWith(again, HelloOf("box")));
  ASSERT_EQ(again->starts().size(), 1u);
  EXPECT_EQ(again->starts()[0].attempt().number(), 2);
}

TEST_F(CoordinatorReturnTest, StopsWhatWasCancelledWhileTheAgentWasAway) {
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  registry_->Detach("id-box", link.get());
  ASSERT_OK(desk_->Cancel(job.job().id()));
  EXPECT_EQ(RunOf(attempt.run_id()).state(), v1::RUN_STATE_CANCELLED);
  auto again = std::make_shared<FakeLink>();
  v1::Hello hello = HelloOf("box");
  AddHeld(hello, attempt, /*alive=*/true);
  ASSERT_OK(AttachWith(again, hello));
  ASSERT_EQ(again->stops().size(), 1u);
  EXPECT_EQ(again->stops()[0].attempt().run_id(), attempt.run_id());
}

TEST_F(CoordinatorReturnTest, LosesTheRunsOfAHostThatStaysAway) {
  options_.lost_after = 60s;
  Restart();
  auto link = Attach("box");
  const v1::SubmitJobResponse job = SubmitTo("box/cpu", 2);
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  registry_->Detach("id-box", link.get());
  clock_.Advance(59s);
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(attempt.run_id()).state(), v1::RUN_STATE_RUNNING);
  clock_.Advance(2s);
  coordinator_->Sweep();
  Settle();
  for (const v1::Run& run : job.runs()) EXPECT_EQ(RunOf(run.id()).state(), v1::RUN_STATE_LOST);

  // It stays lost, but its late laps are kept.
  auto again = std::make_shared<FakeLink>();
  v1::Hello hello = HelloOf("box");
  AddHeld(hello, attempt, /*alive=*/true);
  ASSERT_OK(AttachWith(again, hello));
  EXPECT_TRUE(again->stops().empty());
  ASSERT_OK(EpochDone("box", attempt, 1));
  EXPECT_EQ(EpochsOf(attempt).size(), 1u);
  EXPECT_EQ(RunOf(attempt.run_id()).state(), v1::RUN_STATE_LOST);
}

TEST_F(CoordinatorReturnTest, ARunForAHostThatHasLongBeenAwayWaitsItsOwnTime) {
  options_.lost_after = 60s;
  Restart();
  auto link = Attach("box");
  registry_->Detach("id-box", link.get());
  clock_.Advance(61s);
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_QUEUED);
  clock_.Advance(61s);
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_LOST);
}

TEST_F(CoordinatorReturnTest, AStepOfTheWallClockNeitherLosesNorKeepsARunThatWaits) {
  options_.lost_after = 60s;
  Restart();
  auto link = Attach("box");
  registry_->Detach("id-box", link.get());
  clock_.Advance(61s);
  coordinator_->Sweep();
  Settle();
  const v1::SubmitJobResponse job = SubmitTo("box/cpu");
  clock_.SetWall(24h);
  clock_.Advance(1s);
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_QUEUED);
  clock_.SetWall(-48h);
  clock_.Advance(60s);
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_LOST);
}

TEST_F(CoordinatorReturnTest, ARunForADeviceThatIsNoLongerOfferedIsLostInTheEnd) {
  options_.lost_after = 60s;
  Restart();
  Attach("box", {"cpu", "mps"});
  SubmitTo("box/cpu");
  const v1::SubmitJobResponse job = SubmitTo("box/mps");
  auto link = Attach("box", {"cpu"});
  clock_.Advance(61s);
  registry_->Renew("id-box", link.get());
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_LOST);
  EXPECT_THAT(RunOf(job.runs(0).id()).failure().message(), HasSubstr("box/mps"));
}

TEST_F(CoordinatorReturnTest, AnOldRunOutlivesItsDevicesShortAbsence) {
  options_.lost_after = 60s;
  Restart();
  auto link = Attach("box", {"cpu", "mps"});
  SubmitTo("box/cpu");
  const v1::SubmitJobResponse job = SubmitTo("box/mps");
  clock_.Advance(3600s);  // queued for long, behind the other
  link = Attach("box", {"cpu"});
  clock_.Advance(30s);
  registry_->Renew("id-box", link.get());
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_QUEUED);
  // Offered again: the absence is forgotten.
  link = Attach("box", {"cpu", "mps"});
  clock_.Advance(45s);
  link = Attach("box", {"cpu"});
  clock_.Advance(45s);
  registry_->Renew("id-box", link.get());
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(job.runs(0).id()).state(), v1::RUN_STATE_QUEUED);
}

TEST_F(CoordinatorReturnTest, NotesWhenAHostWasLastSeen) {
  auto link = Attach("box");
  clock_.Advance(10s);
  registry_->Renew("id-box", link.get());
  const int64_t now = UnixMs(clock_.WallNow());
  coordinator_->Sweep();
  Settle();
  EXPECT_OK(store_->Read([&](const storage::Reader& reader) -> absl::Status {
    auto devices = reader.Devices();
    if (!devices.ok()) return devices.status();
    EXPECT_EQ(devices->at(0).device.last_seen_unix_ms(), now);
    return absl::OkStatus();
  }));
}

TEST_F(CoordinatorReturnTest, ACoordinatorThatWasDownItselfLosesNobody) {
  options_.lost_after = 60s;
  Restart();
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  clock_.Advance(24h);
  Restart();
  coordinator_->Sweep();
  Settle();
  EXPECT_EQ(RunOf(attempt.run_id()).state(), v1::RUN_STATE_RUNNING);
}

// The acknowledgement of its end was lost: the agent has the report still, and will say no more.
TEST_F(CoordinatorReturnTest, AnEndThatIsStoredHoldsNoMachine) {
  options_.lost_after = 60s;
  Restart();
  auto link = Attach("box");
  SubmitTo("box/cpu");
  const v1::AttemptRef attempt = link->starts()[0].attempt();
  ASSERT_OK(Started("box", attempt));
  registry_->Detach("id-box", link.get());
  clock_.Advance(61s);
  coordinator_->Sweep();
  Settle();
  ASSERT_EQ(RunOf(attempt.run_id()).state(), v1::RUN_STATE_LOST);
  v1::Hello hello = HelloOf("box");
  AddHeld(hello, attempt, /*alive=*/true);
  ASSERT_OK(AttachWith(std::make_shared<FakeLink>(), hello));
  EXPECT_FALSE(registry_->IsFree("id-box"));  // it still trains
  ASSERT_OK(Finished("box", attempt));
  hello.mutable_attempts(0)->set_end_seq(seq_);
  auto again = std::make_shared<FakeLink>();
  ASSERT_OK(AttachWith(again, hello));
  EXPECT_TRUE(registry_->IsFree("id-box"));
  SubmitTo("box/cpu");
  EXPECT_EQ(again->starts().size(), 1u);
}

}  // namespace
}  // namespace laptime
