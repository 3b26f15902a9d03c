#include "agent/agent.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/channel.h"
#include "proto/support/status.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/kept_log.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeClock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using testing::StatusIs;

// The coordinator's end, in the hands of the test: what was sent, and events to come from it.
class FakeCoordinator : public Connector {
 public:
  std::unique_ptr<CoordinatorLink> Connect(LinkEvents& events) override {
    ++connects;
    sent.clear();
    events_ = &events;
    return std::make_unique<Link>(*this);
  }
  void Say(const v1::CoordinatorMessage& message) { events_->OnMessage(message); }
  void Close(absl::Status status) { events_->OnClosed(std::move(status)); }
  bool connected() const { return events_ != nullptr; }

  // The messages of one kind on the present stream.
  std::vector<v1::AgentMessage> Sent(v1::AgentMessage::MessageCase kind) const {
    std::vector<v1::AgentMessage> found;
    for (const v1::AgentMessage& message : sent) {
      if (message.message_case() == kind) found.push_back(message);
    }
    return found;
  }

  int connects = 0;
  std::vector<v1::AgentMessage> sent;

 private:
  class Link : public CoordinatorLink {
   public:
    explicit Link(FakeCoordinator& owner) : owner_(owner) {}
    ~Link() override { owner_.events_ = nullptr; }
    bool Send(v1::AgentMessage message) override {
      owner_.sent.push_back(std::move(message));
      return true;
    }

   private:
    FakeCoordinator& owner_;
  };

  LinkEvents* events_ = nullptr;
};

// Attempts that end when the test says so.
class FakeStarter : public AttemptStarter {
 public:
  std::unique_ptr<Attempt> Start(const v1::StartRun& start, const OfferedDevice& device,
                                 std::chrono::duration<double>, AttemptEvents& events) override {
    started.push_back(start);
    devices.push_back(device.device.name());
    events_ = &events;
    return std::make_unique<Running>(*this);
  }
  AttemptEvents& events() { return *events_; }

  std::vector<v1::StartRun> started;
  std::vector<std::string> devices;
  std::vector<StopCause> stops;
  int destroyed = 0;

 private:
  class Running : public Attempt {
   public:
    explicit Running(FakeStarter& owner) : owner_(owner) {}
    ~Running() override { ++owner_.destroyed; }
    void Stop(StopCause cause) override { owner_.stops.push_back(cause); }

   private:
    FakeStarter& owner_;
  };

  AttemptEvents* events_ = nullptr;
};

v1::CoordinatorMessage Welcome(uint64_t acked = 0) {
  v1::CoordinatorMessage message;
  message.mutable_welcome()->set_lease_seconds(15);
  message.mutable_welcome()->set_heartbeat_seconds(5);
  message.mutable_welcome()->set_acked_seq(acked);
  return message;
}

v1::CoordinatorMessage Start(const std::string& run, const std::string& device = "cpu",
                             int64_t token = 1) {
  v1::CoordinatorMessage message;
  v1::StartRun& start = *message.mutable_start_run();
  start.set_command_id("start-" + run);
  start.mutable_attempt()->set_run_id(run);
  start.mutable_attempt()->set_number(static_cast<int>(token));
  start.mutable_attempt()->set_fencing_token(token);
  start.set_device(device);
  start.set_config_json("{}");
  return message;
}

v1::CoordinatorMessage Stop(const std::string& run) {
  v1::CoordinatorMessage message;
  message.mutable_stop_run()->set_command_id("stop-" + run);
  message.mutable_stop_run()->mutable_attempt()->set_run_id(run);
  message.mutable_stop_run()->mutable_attempt()->set_number(1);
  return message;
}

v1::CoordinatorMessage Ack(uint64_t through) {
  v1::CoordinatorMessage message;
  message.mutable_report_ack()->set_through_seq(through);
  return message;
}

class AgentTest : public ::testing::Test {
 protected:
  AgentTest() { Restart(); }

  // As if the process had been killed and started again: the spool's file is what is left.
  void Restart(bool once = false) {
    agent_.reset();
    outbox_.reset();
    spool_.reset();
    spool_ = *Spool::Open(dir_.File("spool.db"), {});
    outbox_.emplace(*spool_);
    AgentOptions options;
    options.server = "there:7440";
    options.host.set_name("box");
    options.host.set_id("host-id");
    options.once = once;
    options.devices.emplace_back().device.set_name("cpu");
    agent_ = std::make_unique<Agent>(
        options, AgentParts{clock_, *spool_, *outbox_, coordinator_, starter_, probes_, random_});
  }
  void Attach(uint64_t acked = 0) {
    agent_->Step();
    coordinator_.Say(Welcome(acked));
    agent_->Step();
  }
  void Tell(const v1::CoordinatorMessage& message) {
    coordinator_.Say(message);
    agent_->Step();
  }
  // The attempt's end as its thread tells it.
  void End(const std::string& run) {
    v1::Report report;
    report.mutable_attempt()->set_run_id(run);
    report.mutable_attempt()->set_number(1);
    report.mutable_finished();
    outbox_->Post(report);
    starter_.events().OnAttemptOver(report.attempt());
    agent_->Step();
  }
  v1::Hello LastHello() { return coordinator_.Sent(v1::AgentMessage::kHello).at(0).hello(); }
  v1::CommandResult LastResult() {
    return coordinator_.Sent(v1::AgentMessage::kCommandResult).back().command_result();
  }
  std::vector<v1::AgentMessage> Reports() { return coordinator_.Sent(v1::AgentMessage::kReport); }
  // Until the agent tries again.
  void Wait(milliseconds longest) {
    const int before = coordinator_.connects;
    for (milliseconds waited{0}; coordinator_.connects == before && waited <= longest;
         waited += milliseconds(50)) {
      clock_.Advance(milliseconds(50));
      agent_->Step();
    }
  }

  testing::TempDir dir_;
  FakeClock clock_;
  std::mt19937_64 random_{1};
  FakeCoordinator coordinator_;
  FakeStarter starter_;
  ProbeFiles probes_{dir_.path() / "probes"};
  std::unique_ptr<Spool> spool_;
  std::optional<Outbox> outbox_;
  std::unique_ptr<Agent> agent_;
};

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

TEST_F(AgentTest, RecordsAnAttemptBeforeItAnswers) {
  Attach();
  Tell(Start("r1"));
  ASSERT_THAT(starter_.started, SizeIs(1));
  EXPECT_TRUE(LastResult().accepted());
  EXPECT_EQ(LastResult().command_id(), "start-r1");
  EXPECT_THAT(*spool_->OpenAttempts(), SizeIs(1));
}

TEST_F(AgentTest, AnswersAStartThatComesTwiceButStartsOnce) {
  Attach();
  Tell(Start("r1"));
  Tell(Start("r1"));
  EXPECT_THAT(starter_.started, SizeIs(1));
  ASSERT_THAT(coordinator_.Sent(v1::AgentMessage::kCommandResult), SizeIs(2));
  EXPECT_TRUE(LastResult().accepted());
}

TEST_F(AgentTest, RefusesWhatItCannotStart) {
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

TEST_F(AgentTest, RefusesAnAttemptOlderThanOneItHad) {
  Attach();
  Tell(Start("r1", "cpu", /*token=*/5));
  Tell(Start("r1", "cpu", /*token=*/4));
  EXPECT_FALSE(LastResult().accepted());
  EXPECT_THAT(LastResult().failure().message(), HasSubstr("newer attempt"));
}

TEST_F(AgentTest, StopsAnAttemptAndAnswers) {
  Attach();
  Tell(Start("r1"));
  Tell(Stop("r1"));
  EXPECT_THAT(starter_.stops, ::testing::ElementsAre(StopCause::kStopRun));
  EXPECT_TRUE(LastResult().accepted());
  Tell(Stop("unknown"));
  EXPECT_TRUE(LastResult().accepted());
  EXPECT_EQ(LastResult().command_id(), "stop-unknown");
}

TEST_F(AgentTest, DeletesReportsOnlyWhenAcknowledged) {
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
TEST_F(AgentTest, RefusesAnAttemptWhoseReportsWereTaken) {
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

TEST_F(AgentTest, KeepsTrainingWhileAwayAndReportsOnReturn) {
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

TEST_F(AgentTest, ListsAttemptsThatDiedWithItAndThenForgetsThem) {
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

TEST_F(AgentTest, RemembersDeadAttemptsUntilItIsWelcome) {
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

TEST_F(AgentTest, SendsOnlyTheNewestProgress) {
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

TEST_F(AgentTest, EndsInGoodOrder) {
  Attach();
  Tell(Start("r1"));
  agent_->Stop();
  EXPECT_TRUE(agent_->Step());
  EXPECT_THAT(starter_.stops, ::testing::ElementsAre(StopCause::kAgentStopping));
  End("r1");
  EXPECT_THAT(Reports(), SizeIs(1));
  Tell(Ack(1));
  EXPECT_FALSE(agent_->Step());
  EXPECT_OK(agent_->result());
}

TEST_F(AgentTest, LeavesAStartForItsNextLifeWhenItEnds) {
  Attach();
  Tell(Start("r1"));
  agent_->Stop();
  agent_->Step();
  Tell(Start("r2"));
  EXPECT_THAT(coordinator_.Sent(v1::AgentMessage::kCommandResult), SizeIs(1));  // r1's
}

TEST_F(AgentTest, WaitsOnlyShortlyForAnAbsentCoordinatorWhenItEnds) {
  Attach();
  Tell(Start("r1"));
  coordinator_.Close(absl::UnavailableError("gone"));
  agent_->Step();
  agent_->Stop();
  agent_->Step();
  End("r1");
  ASSERT_TRUE(agent_->Step());
  clock_.Advance(kFlushTime);
  EXPECT_FALSE(agent_->Step());
  EXPECT_THAT(*spool_->ReadFrom(0, 10), SizeIs(1));
}

// It stays unanswered: the coordinator offers it to the agent's next life.
TEST_F(AgentTest, TakesNoSecondRunWithOnce) {
  Restart(/*once=*/true);
  Attach();
  Tell(Start("r1"));
  Tell(Start("r2"));
  EXPECT_THAT(starter_.started, SizeIs(1));
  EXPECT_THAT(coordinator_.Sent(v1::AgentMessage::kCommandResult), SizeIs(1));
}

TEST_F(AgentTest, AnEndOfAnEarlierLifeIsNotTheOneRun) {
  Attach();
  Tell(Start("r1"));
  End("r1");
  Restart(/*once=*/true);
  Attach(/*acked=*/1);
  EXPECT_TRUE(agent_->Step());
  Tell(Start("r2"));
  End("r2");
  coordinator_.Say(Ack(2));
  EXPECT_FALSE(agent_->Step());
}

TEST_F(AgentTest, EndsWhenItsSpoolTurnsOutToBeDamaged) {
  Attach();
  {
    SQLite::Database other(dir_.File("spool.db"), SQLite::OPEN_READWRITE);
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  std::filesystem::resize_file(dir_.File("spool.db"), 4096);
  EXPECT_FALSE(agent_->Step());
  EXPECT_THAT(agent_->result(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("spool")));
}

TEST_F(AgentTest, EndsAfterOneAcknowledgedAttemptWithOnce) {
  Restart(/*once=*/true);
  Attach();
  Tell(Start("r1"));
  End("r1");
  ASSERT_TRUE(agent_->Step());
  coordinator_.Say(Ack(1));
  EXPECT_FALSE(agent_->Step());
  EXPECT_OK(agent_->result());
}

}  // namespace
}  // namespace laptime::agent
