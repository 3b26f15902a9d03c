// How an agent ends: when it is told to, after one run, or because it cannot go on.

#include <SQLiteCpp/Database.h>

#include "agent/agent.h"
#include "tests/unit/agent/agent_fixture.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using testing::StatusIs;

using AgentEndTest = AgentFixture;

TEST_F(AgentEndTest, EndsInGoodOrder) {
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

TEST_F(AgentEndTest, LeavesAStartForItsNextLifeWhenItEnds) {
  Attach();
  Tell(Start("r1"));
  agent_->Stop();
  agent_->Step();
  Tell(Start("r2"));
  EXPECT_THAT(coordinator_.Sent(v1::AgentMessage::kCommandResult), SizeIs(1));  // r1's
}

TEST_F(AgentEndTest, WaitsOnlyShortlyForAnAbsentCoordinatorWhenItEnds) {
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
TEST_F(AgentEndTest, TakesNoSecondRunWithOnce) {
  Restart(/*once=*/true);
  Attach();
  Tell(Start("r1"));
  Tell(Start("r2"));
  EXPECT_THAT(starter_.started, SizeIs(1));
  EXPECT_THAT(coordinator_.Sent(v1::AgentMessage::kCommandResult), SizeIs(1));
}

TEST_F(AgentEndTest, AnEndOfAnEarlierLifeIsNotTheOneRun) {
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

TEST_F(AgentEndTest, EndsWhenItsSpoolTurnsOutToBeDamaged) {
  Attach();
  {
    SQLite::Database other(dir_.File("spool.db"), SQLite::OPEN_READWRITE);
    other.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  std::filesystem::resize_file(dir_.File("spool.db"), 4096);
  EXPECT_FALSE(agent_->Step());
  EXPECT_THAT(agent_->result(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("spool")));
}

TEST_F(AgentEndTest, EndsAfterOneAcknowledgedAttemptWithOnce) {
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
