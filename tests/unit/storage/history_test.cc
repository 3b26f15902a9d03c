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
    const auto runs = tx_.HistoryRuns(
        {.device_keys = devices, .workload = workload, .since_unix_ms = since, .limit = limit});
    for (const HistoryRun& run : runs.value()) ids.push_back(run.id);
    return ids;
  }
};

TEST_F(HistoryTest, TellsWhatARunWas) {
  AddRun("r1", 2, 12.5, 7000);
  ASSERT_OK(tx_.SetRunSegment("r1", "aa", "LibTorch 2.11.0"));
  ASSERT_OK_AND_ASSIGN(
      const auto runs,
      tx_.HistoryRuns({.device_keys = {}, .workload = "", .since_unix_ms = 0, .limit = 1}));
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

TEST_F(HistoryTest, KnowsWorkloadsByNameAndHash) {
  EXPECT_TRUE(tx_.HasWorkload("simclr-cifar10").value());
  EXPECT_TRUE(tx_.HasWorkload("abc1").value());
  EXPECT_FALSE(tx_.HasWorkload("abd").value());
  EXPECT_FALSE(tx_.HasWorkload("simclr").value());
}

TEST_F(HistoryTest, RemarksBelongToRuns) {
  for (const char* id : {"r1", "r2", "r3"}) Seeder::AddRun(tx_, id, "j1");
  database().exec(
      "INSERT INTO annotation (run, at_unix_ms, author, text) VALUES (1, 5, 'ada', 'one'), "
      "(3, 6, 'bob', 'three'), (2, 7, '', 'two'), (2, 8, '', 'more')");
  ASSERT_OK_AND_ASSIGN(const auto remarks, tx_.Annotations(2, 3));
  ASSERT_EQ(remarks.size(), 2U);
  ASSERT_EQ(remarks.at(2).size(), 2U);
  EXPECT_EQ(remarks.at(2)[0].text(), "two");
  EXPECT_EQ(remarks.at(2)[1].at_unix_ms(), 8);
  EXPECT_EQ(remarks.at(3)[0].author(), "bob");
}

}  // namespace
}  // namespace laptime::storage
