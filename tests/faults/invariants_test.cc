// The judge itself: each kind of damage, done by hand to a good database, is a finding.

#include "tests/faults/invariants.h"

#include <SQLiteCpp/Database.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <sstream>

#include "tests/faults/scripted_fleet.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::faults {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class InvariantsTest : public ::testing::Test {
 protected:
  InvariantsTest() : path_(dir_.File("laptime.db")) {
    spdlog::set_level(spdlog::level::off);
    auto coordinator = ScriptedCoordinator::Open(path_);
    EXPECT_OK(coordinator);
    EXPECT_OK(agent_.Work(**coordinator, /*jobs=*/2));
    witness_ = agent_.CompleteWitness();
  }

  Findings After(const std::string& damage) {
    SQLite::Database(path_, SQLite::OPEN_READWRITE).exec(damage);
    return CheckInvariants(path_, witness_);
  }

  testing::TempDir dir_;
  const std::string path_;
  ScriptedAgent agent_;
  Witness witness_;
};

TEST_F(InvariantsTest, HasNothingToSayOfAGoodDatabase) {
  const Findings findings = CheckInvariants(path_, witness_);
  EXPECT_TRUE(findings.ok()) << findings.Text();
  EXPECT_EQ(witness_.epochs.size(), 2u * ScriptedAgent::kEpochs);
}

TEST_F(InvariantsTest, FindsALostEpoch) {
  const Findings findings =
      After("DELETE FROM epoch WHERE number = 3 AND attempt = (SELECT min(key) FROM attempt)");
  EXPECT_THAT(findings.Text(), HasSubstr("epoch 3 of attempt 1 of run"));
  EXPECT_GT(findings.lost, 0);
  EXPECT_EQ(findings.doubled, 0);
}

TEST_F(InvariantsTest, FindsALostRun) {
  witness_.runs.insert("gone");
  EXPECT_THAT(After("").complaints, ElementsAre("run gone is lost"));
}

TEST_F(InvariantsTest, FindsAcknowledgedReportsThatAreUnknown) {
  EXPECT_THAT(After("UPDATE spool SET committed_seq = committed_seq - 1").complaints,
              ElementsAre("reports of host id-box are lost"));
}

TEST_F(InvariantsTest, FindsARunWithoutAnEnd) {
  const Findings findings = After("UPDATE run SET state = 3 WHERE key = 1");
  EXPECT_THAT(findings.Text(), HasSubstr("never ended: run"));
  EXPECT_THAT(findings.Text(), HasSubstr("a run under way has no attempt under way"));
}

TEST_F(InvariantsTest, FindsAnEndWithAnAttemptUnderWay) {
  EXPECT_THAT(After("UPDATE attempt SET state = 3 WHERE key = 1").Text(),
              HasSubstr("a run ended with an attempt under way"));
}

TEST_F(InvariantsTest, FindsWhatIsTwice) {
  const Findings findings = After(
      "INSERT INTO event (job, at_unix_ms, message) SELECT job, at_unix_ms, message FROM event;"
      "INSERT INTO log SELECT attempt, offset + 1, bytes, text FROM log WHERE offset = 0;"
      "INSERT INTO attempt (run, number, command_id, state, created_unix_ms) "
      "SELECT run, 2, '', 4, 0 FROM attempt WHERE key = 1;"
      "UPDATE run SET attempt = 2 WHERE key = 1");
  EXPECT_THAT(findings.Text(), HasSubstr("told twice: the end of job"));
  EXPECT_THAT(findings.Text(), HasSubstr("told twice: the end of run"));
  EXPECT_THAT(findings.Text(), HasSubstr("told twice: epoch 1 of run"));
  EXPECT_THAT(findings.Text(), HasSubstr("a piece of a log is there twice"));
  EXPECT_THAT(findings.Text(), HasSubstr("two attempts of a run succeeded"));
  EXPECT_GT(findings.doubled, 0);
}

TEST_F(InvariantsTest, FindsWhatNobodyReported) {
  witness_.epochs.erase(witness_.epochs.begin());
  witness_.runs.erase(witness_.runs.begin());
  EXPECT_EQ(After("").doubled, 2);
  witness_.complete = false;
  EXPECT_TRUE(After("").ok());
}

TEST_F(InvariantsTest, FindsDamage) {
  std::fstream(path_, std::ios::in | std::ios::out | std::ios::binary).seekp(4096 * 5)
      << std::string(4096, 'x');
  EXPECT_GT(CheckInvariants(path_, witness_).lost, 0);
  std::ofstream(path_) << std::string(8192, 'x');
  EXPECT_GT(CheckInvariants(path_, witness_).lost, 2 * ScriptedAgent::kEpochs);
}

TEST(WitnessTest, IsReadFromLines) {
  std::istringstream lines(
      "run r1\nepoch r1 2 3\nacknowledged host spool 17\ncomplete\nall_ended\n");
  ASSERT_OK_AND_ASSIGN(const Witness witness, ReadWitness(lines));
  EXPECT_THAT(witness.runs, ElementsAre("r1"));
  EXPECT_EQ(*witness.epochs.begin(), (EpochKey{"r1", 2, 3}));
  EXPECT_EQ(witness.acknowledged.at({"host", "spool"}), 17u);
  EXPECT_TRUE(witness.complete && witness.all_ended);
  for (const char* wrong : {"run", "epoch r1 2", "epoch r1 x 3", "anything"}) {
    std::istringstream line(wrong);
    EXPECT_FALSE(ReadWitness(line).ok()) << wrong;
  }
}

}  // namespace
}  // namespace laptime::faults
