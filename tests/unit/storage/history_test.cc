#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class HistoryTest : public DatabaseTest {
 protected:
  HistoryTest() {
    Seeder::AddHost(tx_);
    Seeder::AddJob(tx_, "j1");
  }

  // A run that succeeded, with a first lap of those seconds.
  void AddRun(const std::string& id, int64_t device, double seconds, int64_t started) {
    Seeder::AddRun(tx_, id, "j1", device);
    const v1::AttemptRef attempt = tx_.InsertAttempt(id, "command", 3000).value();
    v1::Epoch epoch;
    epoch.set_number(1);
    epoch.set_wall_seconds(seconds);
    ASSERT_OK(tx_.InsertEpoch(attempt, epoch));
    ASSERT_OK(tx_.MoveRun(id, v1::RUN_STATE_QUEUED, v1::RUN_STATE_RUNNING, started));
    ASSERT_OK(tx_.MoveRun(id, v1::RUN_STATE_RUNNING, v1::RUN_STATE_SUCCEEDED, started + 1));
  }

  std::vector<std::string> Ids(const std::vector<int64_t>& devices,
                               const std::string& workload = "", int64_t since = 0,
                               int limit = 100) {
    std::vector<std::string> ids;
    RunFilter filter;
    filter.device_keys = devices;
    filter.workload = workload;
    if (since > 0) filter.where.AddSince(since);
    const auto runs = tx_.HistoryRuns(filter, limit);
    for (const HistoryRun& run : runs.value()) ids.push_back(run.id);
    return ids;
  }
};

TEST_F(HistoryTest, TellsWhatARunWas) {
  AddRun("r1", 2, 12.5, 7000);
  ASSERT_OK(tx_.SetRunSegment("r1", "aa", "LibTorch 2.11.0"));
  ASSERT_OK_AND_ASSIGN(const auto runs, tx_.HistoryRuns({}, 1));
  ASSERT_EQ(runs.size(), 1U);
  EXPECT_EQ(runs[0].id, "r1");
  EXPECT_EQ(runs[0].device_key, 2);
  EXPECT_EQ(runs[0].workload, "simclr-cifar10");
  EXPECT_EQ(runs[0].workload_hash, "abc123");
  EXPECT_EQ(runs[0].segment, "aa");
  EXPECT_EQ(runs[0].at_unix_ms, 7000);
  EXPECT_EQ(runs[0].seconds, 12.5);
  EXPECT_EQ(runs[0].validity, v1::VALIDITY_NOT_EVALUATED);
  EXPECT_THAT(tx_.Segments().value(), ElementsAre(Pair("aa", "LibTorch 2.11.0")));
}

TEST_F(HistoryTest, ChoosesByEachCondition) {
  AddRun("r1", 1, 10, 1000);
  AddRun("r2", 2, 10, 2000);
  AddRun("r3", 1, 10, 3000);
  Seeder::AddRun(tx_, "queued", "j1", 1);
  EXPECT_THAT(Ids({}), ElementsAre("r3", "r2", "r1"));
  EXPECT_THAT(Ids({1}), ElementsAre("r3", "r1"));
  EXPECT_THAT(Ids({1, 2}), ElementsAre("r3", "r2", "r1"));
  EXPECT_THAT(Ids({1}, "abc"), ElementsAre("r3", "r1"));
  EXPECT_THAT(Ids({}, "simclr-cifar10"), ElementsAre("r3", "r2", "r1"));
  EXPECT_THAT(Ids({}, "simclr"), IsEmpty());
  EXPECT_THAT(Ids({}, "", 2000), ElementsAre("r3", "r2"));
  EXPECT_THAT(Ids({1}, "abc123", 2000), ElementsAre("r3"));
  EXPECT_THAT(Ids({1, 2}, "", 0, 2), ElementsAre("r3", "r2"));
}

TEST_F(HistoryTest, SinceIsWhenARunBeganOrWaits) {
  AddRun("early", 1, 10, 1000);
  Seeder::AddRun(tx_, "waits", "j1");  // created at 2000, as all are
  AddRun("late", 1, 10, 3000);
  const auto list = [&](int64_t since) {
    RunFilter filter;
    filter.where.AddSince(since);
    std::vector<std::string> ids;
    const v1::ListRunsResponse runs = tx_.ListRuns(filter, {}).value();
    for (const v1::Run& run : runs.runs()) ids.push_back(run.id());
    return ids;
  };
  EXPECT_THAT(list(1000), ElementsAre("late", "waits", "early"));
  EXPECT_THAT(list(2000), ElementsAre("late", "waits"));
  EXPECT_THAT(list(2001), ElementsAre("late"));
  EXPECT_THAT(Ids({}, "", 2001), ElementsAre("late"));
}

TEST_F(HistoryTest, KnowsWhichRunsHaveNoSegment) {
  for (const char* id : {"old", "named"}) {
    AddRun(id, 1, 10, 1000);
    v1::AttemptStarted started;
    started.set_snapshot_json("{}");
    ASSERT_OK(tx_.SetAttemptStarted(tx_.FindAttempt(id, 1).value().ref, started));
  }
  ASSERT_OK(tx_.SetRunSegment("named", "aa", "LibTorch 2.11.0"));
  Seeder::AddRun(tx_, "queued", "j1");
  const auto runs = tx_.RunsWithoutSegment().value();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].first, "old");
  EXPECT_EQ(runs[0].second, Ask("SELECT hash FROM snapshot"));
}

TEST_F(HistoryTest, TheNewestRemarksOfTheRuns) {
  for (const char* id : {"r1", "r2", "r3"}) Seeder::AddRun(tx_, id, "j1");
  database().exec(
      "INSERT INTO annotation (run, at_unix_ms, author, text) VALUES (1, 5, 'ada', 'one'), "
      "(3, 6, 'bob', 'three'), (2, 7, '', 'two'), (2, 8, '', 'more')");
  ASSERT_OK_AND_ASSIGN(auto remarks, tx_.Annotations({2, 3}, 10));
  ASSERT_EQ(remarks.size(), 2U);
  ASSERT_EQ(remarks.at(2).size(), 2U);
  EXPECT_EQ(remarks.at(2)[0].text(), "two");
  EXPECT_EQ(remarks.at(2)[1].at_unix_ms(), 8);
  EXPECT_EQ(remarks.at(3)[0].author(), "bob");
  ASSERT_OK_AND_ASSIGN(remarks, tx_.Annotations({1, 2}, 2));
  ASSERT_EQ(remarks.size(), 1U);  // the oldest remark is the first run's
  EXPECT_EQ(remarks.at(2)[0].text(), "two");
  EXPECT_EQ(remarks.at(2)[1].text(), "more");
}

}  // namespace
}  // namespace laptime::storage
