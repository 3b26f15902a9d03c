// C5: the power goes at any moment. What was acknowledged is there afterwards, and the database is
// whole. The controls show that the same cuts lose what is not synced.

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include "tests/faults/fault_vfs.h"
#include "tests/faults/scripted_fleet.h"
#include "tests/faults/scripted_spool.h"
#include "tests/faults/tally.h"
#include "tests/testing/temp_dir.h"

namespace laptime::faults {
namespace {

using testing::TempDir;

// A database lives through so many cuts, the making of it among them.
constexpr int kCutsADatabase = 20;
// A life that is not cut changes files about so often.
constexpr int kMostChanges = 400;

int64_t Draw(std::mt19937_64& random, int64_t most) {
  return std::uniform_int_distribution<int64_t>(1, most)(random);
}

class PowerCutTest : public ::testing::Test {
 protected:
  PowerCutTest() { spdlog::set_level(spdlog::level::off); }

  FaultVfs vfs_;
};

// `strict`: each finding fails the test, with its words.
Tally CutTheCoordinatorsPower(FaultVfs& vfs, int times, bool strict) {
  Tally tally;
  std::mt19937_64 random(Seed());
  std::unique_ptr<TempDir> dir;
  std::unique_ptr<ScriptedAgent> agent;
  bool fresh = true;
  for (int i = 0; i < times; ++i) {
    if (fresh || i % kCutsADatabase == 0) {
      dir = std::make_unique<TempDir>();
      agent = std::make_unique<ScriptedAgent>();
    }
    const std::string path = dir->File("laptime.db");
    vfs.CutPowerAt(Draw(random, kMostChanges));
    if (auto coordinator = ScriptedCoordinator::Open(path); coordinator.ok())
      agent->Work(**coordinator, /*jobs=*/3).IgnoreError();
    vfs.Reboot(random);
    const Findings findings = JudgeAfterStart(path, agent->witness());
    tally.Count(findings);
    // What is lost once is not counted again.
    fresh = !findings.ok();
    EXPECT_TRUE(findings.ok() || !strict) << "cut " << i << ":\n" << findings.Text();
  }
  return tally;
}

TEST_F(PowerCutTest, LosesNothingOfTheCoordinator) {
  const Tally tally = CutTheCoordinatorsPower(vfs_, Times(200, 10'000), /*strict=*/true);
  testing::PrintTried("C5", "power cuts of the coordinator", tally);
}

TEST_F(PowerCutTest, WithSynchronousOffTheCoordinatorLoses) {
  vfs_.TurnSynchronousOff();
  const Tally tally = CutTheCoordinatorsPower(vfs_, Times(50, 1'000), /*strict=*/false);
  testing::PrintTried("C5 ctrl", "the same with synchronous=OFF: must lose", tally);
  EXPECT_GT(tally.lost, 0);
}

TEST_F(PowerCutTest, OnADiskThatLiesTheCoordinatorLoses) {
  vfs_.IgnoreSyncs();
  const Tally tally = CutTheCoordinatorsPower(vfs_, Times(50, 1'000), /*strict=*/false);
  testing::PrintTried("C5 ctrl", "the same on a disk that only says that it synced: must lose",
                      tally);
  EXPECT_GT(tally.lost, 0);
}

// ---- the agent's spool ----

Tally CutTheAgentsPower(FaultVfs& vfs, int times, bool strict) {
  Tally tally;
  std::mt19937_64 random(Seed());
  std::unique_ptr<TempDir> dir;
  SpoolLedger ledger;
  bool fresh = true;
  for (int i = 0; i < times; ++i) {
    if (fresh || i % kCutsADatabase == 0) {
      dir = std::make_unique<TempDir>();
      ledger = {};
    }
    const std::string path = dir->File("spool.db");
    vfs.CutPowerAt(Draw(random, kMostChanges));
    if (auto spool = agent::Spool::Open(path, {}); spool.ok())
      ledger.Use(**spool, /*turns=*/20, random).IgnoreError();
    vfs.Reboot(random);
    const Findings findings = JudgeSpoolAfterStart(path, ledger);
    tally.Count(findings);
    fresh = !findings.ok();
    EXPECT_TRUE(findings.ok() || !strict) << "cut " << i << ":\n" << findings.Text();
  }
  return tally;
}

TEST_F(PowerCutTest, LosesNothingOfTheSpool) {
  const Tally tally = CutTheAgentsPower(vfs_, Times(400, 10'000), /*strict=*/true);
  testing::PrintTried("C5", "power cuts of the agent's spool", tally);
}

TEST_F(PowerCutTest, WithSynchronousOffTheSpoolLoses) {
  vfs_.TurnSynchronousOff();
  const Tally tally = CutTheAgentsPower(vfs_, Times(50, 1'000), /*strict=*/false);
  testing::PrintTried("C5 ctrl", "the same with synchronous=OFF: must lose", tally);
  EXPECT_GT(tally.lost, 0);
}

}  // namespace
}  // namespace laptime::faults
