#include "server/event_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace laptime {
namespace {

using ::testing::ElementsAre;

v1::JobEvent EventOf(const std::string& job_id, int64_t seq) {
  v1::JobEvent event;
  event.set_job_id(job_id);
  event.set_seq(seq);
  return event;
}

TEST(EventHubTest, TellsOnlyWhoWatchesThatJob) {
  EventHub hub;
  std::vector<int64_t> seen;
  hub.Watch("a", [&](const v1::JobEvent& event) { seen.push_back(event.seq()); });
  hub.Publish(EventOf("a", 1));
  hub.Publish(EventOf("b", 2));
  EXPECT_THAT(seen, ElementsAre(1));
}

TEST(EventHubTest, TellsNothingAfterUnwatch) {
  EventHub hub;
  int called = 0;
  const int64_t number = hub.Watch("a", [&](const v1::JobEvent&) { ++called; });
  hub.Unwatch("a", number);
  hub.Publish(EventOf("a", 1));
  EXPECT_EQ(called, 0);
}

TEST(EventHubTest, TellsWatchersWhenItCloses) {
  EventHub hub;
  int ends = 0;
  auto count = [&](const v1::JobEvent& event) { ends += event.job_id().empty() ? 1 : 0; };
  hub.Watch("a", count);
  hub.CloseAll();
  hub.Watch("b", count);  // too late: told at once
  EXPECT_EQ(ends, 2);
}

TEST(EventHubTest, RecheckTellsEveryWatcherNothingOfItsJob) {
  EventHub hub;
  std::vector<std::string> told;
  auto note = [&](const v1::JobEvent& event) {
    told.push_back(event.job_id());
    EXPECT_EQ(event.event_case(), v1::JobEvent::EVENT_NOT_SET);
  };
  hub.Watch("a", note);
  hub.Watch("b", note);
  hub.Recheck();
  EXPECT_THAT(told, ElementsAre("a", "b"));
}

TEST(EventHubTest, AWatcherMayUnwatchItself) {
  EventHub hub;
  int called = 0;
  int64_t number = 0;
  number = hub.Watch("a", [&](const v1::JobEvent&) {
    ++called;
    hub.Unwatch("a", number);
  });
  hub.Publish(EventOf("a", 1));
  hub.Publish(EventOf("a", 2));
  EXPECT_EQ(called, 1);
}

}  // namespace
}  // namespace laptime
