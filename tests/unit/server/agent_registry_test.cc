#include "server/agent_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/fake_clock.h"
#include "tests/unit/server/fake_link.h"

namespace laptime {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::FakeLink;

v1::AttemptRef Attempt(const std::string& run_id) {
  v1::AttemptRef attempt;
  attempt.set_run_id(run_id);
  attempt.set_number(1);
  return attempt;
}

class AgentRegistryTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  AgentRegistry registry_{clock_, 15s};
  std::shared_ptr<FakeLink> link_ = std::make_shared<FakeLink>();
};

TEST_F(AgentRegistryTest, CallsAnAgentAwayWhenItsLeaseEnds) {
  const auto started = clock_.Now();
  registry_.Attach("h1", link_, {}, false);
  clock_.Advance(14s);
  EXPECT_TRUE(registry_.IsAttached("h1"));
  EXPECT_EQ(registry_.AwayFor("h1", started), 0ms);
  clock_.Advance(2s);
  EXPECT_FALSE(registry_.IsAttached("h1"));
  EXPECT_EQ(registry_.AwayFor("h1", started), 16s);
}

TEST_F(AgentRegistryTest, AHeartbeatRenewsTheLease) {
  registry_.Attach("h1", link_, {}, false);
  clock_.Advance(14s);
  EXPECT_TRUE(registry_.Renew("h1", link_.get()));
  clock_.Advance(14s);
  EXPECT_TRUE(registry_.IsAttached("h1"));
}

TEST_F(AgentRegistryTest, CountsTimeAwayOfAHostNeverSeenFromTheStart) {
  const auto started = clock_.Now();
  clock_.Advance(40s);
  EXPECT_EQ(registry_.AwayFor("never", started), 40s);
}

TEST_F(AgentRegistryTest, ASecondStreamReplacesTheFirst) {
  registry_.Attach("h1", link_, {}, false);
  auto second = std::make_shared<FakeLink>();
  registry_.Attach("h1", second, {}, false);
  ASSERT_EQ(link_->sent().size(), 1u);
  EXPECT_EQ(link_->sent()[0].goodbye().reason(), "replaced");
  EXPECT_TRUE(link_->closed());
  EXPECT_FALSE(registry_.Renew("h1", link_.get()));
  registry_.Detach("h1", link_.get());  // the old stream's late end
  EXPECT_TRUE(registry_.Send("h1", {}));
  EXPECT_EQ(second->sent().size(), 1u);
}

TEST_F(AgentRegistryTest, AHostIsFreeWhileItHoldsNoAttempt) {
  registry_.Attach("h1", link_, {Attempt("r1")}, false);
  EXPECT_FALSE(registry_.IsFree("h1"));
  registry_.Release(Attempt("r1"));
  EXPECT_TRUE(registry_.IsFree("h1"));
  registry_.Hold("h1", Attempt("r2"));
  EXPECT_FALSE(registry_.IsFree("h1"));
}

TEST_F(AgentRegistryTest, AHostThatMayRunInParallelStaysFree) {
  registry_.Attach("h1", link_, {Attempt("r1")}, true);
  EXPECT_TRUE(registry_.IsFree("h1"));
}

TEST_F(AgentRegistryTest, AHostWithoutAStreamIsNotFree) {
  registry_.Attach("h1", link_, {}, false);
  registry_.Detach("h1", link_.get());
  EXPECT_TRUE(registry_.IsAttached("h1"));  // its lease still holds
  EXPECT_FALSE(registry_.IsFree("h1"));
  EXPECT_FALSE(registry_.Send("h1", {}));
}

TEST_F(AgentRegistryTest, CutsAnAgentThatDoesNotRead) {
  registry_.Attach("h1", link_, {}, false);
  link_->StopReading();
  EXPECT_FALSE(registry_.Send("h1", {}));
  EXPECT_TRUE(link_->closed());
}

TEST_F(AgentRegistryTest, SaysGoodbyeToAllAtTheEndAndTakesNoMore) {
  registry_.Attach("h1", link_, {}, false);
  registry_.CloseAll(absl::UnavailableError("stopping"));
  EXPECT_EQ(link_->sent().back().goodbye().reason(), "shutdown");
  EXPECT_EQ(link_->end().code(), absl::StatusCode::kUnavailable);
  auto late = std::make_shared<FakeLink>();
  registry_.Attach("h2", late, {}, false);
  EXPECT_TRUE(late->closed());
}

}  // namespace
}  // namespace laptime
