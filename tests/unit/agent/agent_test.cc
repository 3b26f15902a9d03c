#include "agent/agent.h"

#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "tests/testing/kept_log.h"
#include "tests/unit/agent/agent_fixture.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::StatusIs;

using AgentTest = AgentFixture;

TEST_F(AgentTest, SaysHelloFirstAndNothingBeforeItIsWelcome) {
  v1::Report report;
  report.mutable_epoch_finished();
  outbox_->Post(report);
  agent_->Step();
  ASSERT_THAT(coordinator_.sent, SizeIs(1));
  const v1::Hello hello = LastHello();
  EXPECT_EQ(hello.protocol(), kProtocolVersion);
  EXPECT_EQ(hello.host().name(), "box");
  EXPECT_EQ(hello.devices(0).name(), "cpu");
  EXPECT_EQ(hello.spool_id(), spool_->id());
  EXPECT_EQ(hello.next_seq(), 2u);
  coordinator_.Say(Welcome());
  agent_->Step();
  EXPECT_THAT(Reports(), SizeIs(1));
}

TEST_F(AgentTest, GoesOnWithACoordinatorOfTheVersionBefore) {
  v1::CoordinatorMessage older = Welcome();  // which did not say its protocol
  older.mutable_welcome()->clear_protocol();
  agent_->Step();
  coordinator_.Say(older);
  coordinator_.Say(v1::CoordinatorMessage());  // a message that this agent does not know
  agent_->Step();
  v1::Report report;
  report.mutable_epoch_finished();
  outbox_->Post(report);
  agent_->Step();
  EXPECT_THAT(Reports(), SizeIs(1));
}

TEST_F(AgentTest, EndsWhereTheCoordinatorSpeaksAnotherProtocol) {
  v1::CoordinatorMessage newer = Welcome();
  newer.mutable_welcome()->set_protocol(kProtocolVersion + 1);
  agent_->Step();
  coordinator_.Say(newer);
  EXPECT_FALSE(agent_->Step());
  EXPECT_THAT(agent_->result(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("one apart, no more")));
}

TEST_F(AgentTest, SendsWhatWasProbedOnEachStreamAndWhatIsNew) {
  v1::DeviceProbe probe;
  probe.set_device("cpu");
  ASSERT_OK(probes_.Write(probe, "basis"));
  const auto sent = [this] { return coordinator_.Sent(v1::AgentMessage::kDeviceProbe).size(); };
  agent_->Step();
  EXPECT_EQ(sent(), 0u);  // not before it is welcome
  coordinator_.Say(Welcome());
  agent_->Step();
  EXPECT_EQ(sent(), 1u);
  clock_.Advance(milliseconds(5000));
  agent_->Step();
  EXPECT_EQ(sent(), 1u);
  probe.set_device("cuda:0");
  ASSERT_OK(probes_.Write(probe, "basis"));
  clock_.Advance(milliseconds(5000));
  agent_->Step();
  EXPECT_EQ(sent(), 2u);  // with the next heartbeat
}

TEST_F(AgentTest, SendsHeartbeatsAsOftenAsItIsTold) {
  Attach();
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(seconds(5));
    agent_->Step();
  }
  EXPECT_THAT(coordinator_.Sent(v1::AgentMessage::kHeartbeat), SizeIs(3));
}

TEST_F(AgentTest, DoesNotSendAgainWhatTheCoordinatorHasCommitted) {
  for (int i = 0; i < 3; ++i) {
    v1::Report report;
    report.mutable_epoch_finished();
    outbox_->Post(report);
  }
  Attach(/*acked=*/2);
  ASSERT_THAT(Reports(), SizeIs(1));
  EXPECT_EQ(Reports()[0].report().seq(), 3u);
}

TEST_F(AgentTest, ReturnsWithBackoff) {
  agent_->Step();
  for (int i = 0; i < 5; ++i) {
    const auto closed_at = clock_.Now();
    coordinator_.Close(absl::UnavailableError("refused"));
    agent_->Step();
    const int before = coordinator_.connects;
    Wait(kMaxBackoff);
    ASSERT_EQ(coordinator_.connects, before + 1);
    EXPECT_GE(clock_.Now() - closed_at, kMinBackoff);
  }
}

TEST_F(AgentTest, SaysNowAndThenWhyThereIsNoCoordinator) {
  const testing::KeptLog log;
  agent_->Step();
  const auto fail_for = [&](std::chrono::minutes time, const std::string& why) {
    for (const auto end = clock_.Now() + time; clock_.Now() < end; Wait(kMaxBackoff)) {
      coordinator_.Close(absl::UnavailableError(why));
      agent_->Step();
    }
  };
  fail_for(std::chrono::minutes(9), "refused");
  EXPECT_EQ(log.Count("cannot reach the coordinator at there:7440: refused"), 1);
  EXPECT_EQ(log.Count("`laptime-agent join` gets one"), 1);
  fail_for(std::chrono::minutes(9), "a certificate of another");
  EXPECT_EQ(log.Count("cannot reach"), 2);
  EXPECT_EQ(log.Count("a certificate of another"), 1);
  Attach();
  coordinator_.Close(absl::UnavailableError("gone"));
  agent_->Step();
  Wait(kMaxBackoff);
  fail_for(std::chrono::minutes(1), "refused again");
  EXPECT_EQ(log.Count("refused again"), 1);
}

TEST_F(AgentTest, GivesUpAtOnceOnWhatTryingAgainCannotChange) {
  for (const auto code : {absl::StatusCode::kUnauthenticated, absl::StatusCode::kPermissionDenied,
                          absl::StatusCode::kInvalidArgument, absl::StatusCode::kUnimplemented,
                          absl::StatusCode::kAlreadyExists}) {
    Restart();
    ASSERT_TRUE(agent_->Step());
    coordinator_.Close(absl::Status(code, "because of this"));
    EXPECT_FALSE(agent_->Step());
    EXPECT_THAT(agent_->result(), StatusIs(code, HasSubstr("because of this")));
    EXPECT_FALSE(HintOf(agent_->result()).empty());
  }
}

TEST_F(AgentTest, PassesOnTheCoordinatorsOwnHint) {
  ASSERT_TRUE(agent_->Step());
  coordinator_.Close(WithHint(absl::StatusCode::kInvalidArgument, "no", "do this instead"));
  EXPECT_FALSE(agent_->Step());
  EXPECT_EQ(HintOf(agent_->result()), "do this instead");
}

TEST_F(AgentTest, LeavesACoordinatorThatDoesNotAnswer) {
  agent_->Step();
  clock_.Advance(kWelcomeTime);
  agent_->Step();
  EXPECT_FALSE(coordinator_.connected());
  Wait(kMaxBackoff);
  EXPECT_EQ(coordinator_.connects, 2);
}

TEST_F(AgentTest, LeavesAPeerThatSpeaksOutOfTurn) {
  agent_->Step();
  Tell(Start("r1"));
  EXPECT_FALSE(coordinator_.connected());
  EXPECT_THAT(starter_.started, IsEmpty());
}

// Believed, it would leave the spool no number to give.
TEST_F(AgentTest, LeavesACoordinatorThatHasMoreReportsThanThereCanBe) {
  agent_->Step();
  Tell(Welcome(kMaxReportSeq));
  EXPECT_FALSE(coordinator_.connected());
  v1::Report report;
  report.mutable_epoch_finished();
  outbox_->Post(report);
  Wait(kMaxBackoff);
  EXPECT_EQ(LastHello().next_seq(), 2u);
}

TEST_F(AgentTest, BelievesACoordinatorThatHasAsManyAsThereCanBe) {
  agent_->Step();
  Tell(Welcome(kMaxReportSeq - 1));
  EXPECT_TRUE(coordinator_.connected());
  EXPECT_EQ(*spool_->NextSeq(), kMaxReportSeq);
}

TEST_F(AgentTest, ComesBackAfterGoodbye) {
  Attach();
  v1::CoordinatorMessage goodbye;
  goodbye.mutable_goodbye()->set_reason("shutdown");
  Tell(goodbye);
  EXPECT_FALSE(coordinator_.connected());
  Wait(kMaxBackoff);
  EXPECT_EQ(coordinator_.connects, 2);
}

}  // namespace
}  // namespace laptime::agent
