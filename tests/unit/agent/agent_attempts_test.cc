// Attempts in the agent's hands: started, stopped, reported, remembered.

#include "agent/agent.h"
#include "tests/unit/agent/agent_fixture.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using AgentAttemptsTest = AgentFixture;

TEST_F(AgentAttemptsTest, RecordsAnAttemptBeforeItAnswers) {
  Attach();
  Tell(Start("r1"));
  ASSERT_THAT(starter_.started, SizeIs(1));
  EXPECT_TRUE(LastResult().accepted());
  EXPECT_EQ(LastResult().command_id(), "start-r1");
  EXPECT_THAT(*spool_->OpenAttempts(), SizeIs(1));
}

TEST_F(AgentAttemptsTest, AnswersAStartThatComesTwiceButStartsOnce) {
  Attach();
  Tell(Start("r1"));
  Tell(Start("r1"));
  EXPECT_THAT(starter_.started, SizeIs(1));
  ASSERT_THAT(coordinator_.Sent(v1::AgentMessage::kCommandResult), SizeIs(2));
  EXPECT_TRUE(LastResult().accepted());
}

TEST_F(AgentAttemptsTest, RefusesWhatItCannotStart) {
  Attach();
  Tell(Start("r1", "cpo"));
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_EQ(LastResult().failure().cause(), v1::FAILURE_CAUSE_SETUP);
  EXPECT_THAT(LastResult().failure().message(), HasSubstr("no device 'cpo'"));
  EXPECT_THAT(LastResult().failure().hint(), HasSubstr("'cpu'"));
  Tell(Start("../../etc"));
  EXPECT_FALSE(LastResult().accepted());
  v1::CoordinatorMessage broken = Start("r2");
  broken.mutable_start_run()->set_config_json("[1");
  Tell(broken);
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_THAT(starter_.started, IsEmpty());
  EXPECT_THAT(*spool_->OpenAttempts(), IsEmpty());
}

TEST_F(AgentAttemptsTest, RefusesAnAttemptOlderThanOneItHad) {
  Attach();
  Tell(Start("r1", "cpu", /*token=*/5));
  Tell(Start("r1", "cpu", /*token=*/4));
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_THAT(LastResult().failure().message(), HasSubstr("newer attempt"));
}

TEST_F(AgentAttemptsTest, StopsAnAttemptAndAnswers) {
  Attach();
  Tell(Start("r1"));
  Tell(Stop("r1"));
  EXPECT_THAT(starter_.stops, ::testing::ElementsAre(StopCause::kStopRun));
  EXPECT_TRUE(LastResult().accepted());
  Tell(Stop("unknown"));
  EXPECT_TRUE(LastResult().accepted());
  EXPECT_EQ(LastResult().command_id(), "stop-unknown");
}

TEST_F(AgentAttemptsTest, DeletesReportsOnlyWhenAcknowledged) {
  Attach();
  Tell(Start("r1"));
  End("r1");
  ASSERT_THAT(Reports(), SizeIs(1));
  EXPECT_THAT(*spool_->ReadFrom(0, 10), SizeIs(1));
  Tell(Ack(1));
  EXPECT_THAT(*spool_->ReadFrom(0, 10), IsEmpty());
  EXPECT_THAT(*spool_->OpenAttempts(), IsEmpty());
}

// A coordinator whose database is an older copy asks for what it had already.
TEST_F(AgentAttemptsTest, RefusesAnAttemptWhoseReportsWereTaken) {
  Attach();
  Tell(Start("r1"));
  End("r1");
  Tell(Start("r1"));
  EXPECT_TRUE(LastResult().accepted());  // its end is still to come
  Tell(Ack(1));
  Tell(Start("r1"));
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_EQ(LastResult().failure().cause(), v1::FAILURE_CAUSE_INFRASTRUCTURE);
  EXPECT_THAT(LastResult().failure().message(), HasSubstr("has forgotten them"));
}

TEST_F(AgentAttemptsTest, KeepsTrainingWhileAwayAndReportsOnReturn) {
  Attach();
  Tell(Start("r1"));
  coordinator_.Close(absl::UnavailableError("connection reset"));
  agent_->Step();
  EXPECT_THAT(starter_.stops, IsEmpty());
  EXPECT_EQ(starter_.destroyed, 0);
  End("r1");
  Wait(kMaxBackoff);
  ASSERT_EQ(coordinator_.connects, 2);
  ASSERT_EQ(LastHello().attempts_size(), 1);
  EXPECT_TRUE(LastHello().attempts(0).alive());  // its end is in the spool
  coordinator_.Say(Welcome());
  agent_->Step();
  EXPECT_THAT(Reports(), SizeIs(1));
}

TEST_F(AgentAttemptsTest, ListsAttemptsThatDiedWithItAndThenForgetsThem) {
  Attach();
  Tell(Start("r1"));
  Restart();
  agent_->Step();
  ASSERT_EQ(LastHello().attempts_size(), 1);
  EXPECT_FALSE(LastHello().attempts(0).alive());
  coordinator_.Say(Welcome());
  agent_->Step();
  EXPECT_THAT(*spool_->OpenAttempts(), IsEmpty());
  // A start that comes again must not be answered as if it were under way.
  Tell(Start("r1"));
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_EQ(LastResult().failure().cause(), v1::FAILURE_CAUSE_INFRASTRUCTURE);
  EXPECT_THAT(starter_.started, SizeIs(1));
}

TEST_F(AgentAttemptsTest, RemembersDeadAttemptsUntilItIsWelcome) {
  Attach();
  Tell(Start("r1"));
  Restart();
  agent_->Step();
  coordinator_.Close(absl::UnavailableError("no"));
  agent_->Step();
  Wait(kMaxBackoff);
  ASSERT_EQ(LastHello().attempts_size(), 1);
  EXPECT_FALSE(LastHello().attempts(0).alive());
}

TEST_F(AgentAttemptsTest, SendsOnlyTheNewestProgress) {
  Attach();
  Tell(Start("r1"));
  for (int step = 1; step <= 3; ++step) {
    v1::Progress progress;
    progress.mutable_attempt()->set_run_id("r1");
    progress.mutable_step()->set_step(step);
    agent_->OnProgress(progress);
  }
  agent_->Step();
  const auto sent = coordinator_.Sent(v1::AgentMessage::kProgress);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].progress().step().step(), 3);
}

// A coordinator with an older copy of its database counts from there.
TEST_F(AgentAttemptsTest, RefusesAnotherAttemptOfTheSameNumber) {
  Attach();
  Tell(Start("r1"));
  v1::CoordinatorMessage other = Start("r1", "cpu", /*token=*/7);
  other.mutable_start_run()->mutable_attempt()->set_number(1);
  Tell(other);
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_EQ(LastResult().failure().cause(), v1::FAILURE_CAUSE_INFRASTRUCTURE);
  EXPECT_THAT(LastResult().failure().message(), HasSubstr("another attempt of that number"));
}

TEST_F(AgentAttemptsTest, SaysWhichReportEndsAnAttempt) {
  Attach();
  Tell(Start("r1"));
  coordinator_.Close(absl::UnavailableError("gone"));
  agent_->Step();
  Wait(kMaxBackoff);
  ASSERT_EQ(LastHello().attempts_size(), 1);
  EXPECT_EQ(LastHello().attempts(0).end_seq(), 0u);
  End("r1");
  coordinator_.Close(absl::UnavailableError("gone"));
  agent_->Step();
  Wait(kMaxBackoff);
  ASSERT_EQ(LastHello().attempts_size(), 1);
  EXPECT_EQ(LastHello().attempts(0).end_seq(), 1u);
}

}  // namespace
}  // namespace laptime::agent
