#include "agent/telemetry/run_processes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

// CPU time in seconds: user, system, and the same of ended children.
struct Cpu {
  double user = 0, system = 0, children_user = 0, children_system = 0;
};

// A recorded /proc: an agent with a trainer that has a name to stumble over and two rank processes.
class RunProcessesTest : public ::testing::Test {
 protected:
  RunProcessesTest() {
    Process("self", 1, {1, 0.5, 70, 7});  // its children that ended were other runs
    Process("100", 50, {10, 1, 4, 2});
    Process("101", 100, {20, 2, 0, 0});
    Process("102", 100, {30, 3, 0, 0});
    Process("900", 1, {500, 5, 0, 0});
  }
  void Process(const std::string& pid, int parent, const Cpu& cpu) {
    const auto ticks = [](double seconds) {
      return " " + std::to_string(static_cast<int>(seconds * sysconf(_SC_CLK_TCK)));
    };
    tree_.Write(pid + "/stat", pid + " (la) ptime (x)) S " + std::to_string(parent) +
                                   " 100 100 0 -1 4194304 3001 0 6 0" + ticks(cpu.user) +
                                   ticks(cpu.system) + ticks(cpu.children_user) +
                                   ticks(cpu.children_system) +
                                   " 20 0 9 0 5000 1 2 18446744073709551615\n");
  }
  void ListChildren() {
    tree_.Write("self/task/50/children", "100 ");
    // The ranks were started by two threads.
    tree_.Write("100/task/100/children", "101 ");
    tree_.Write("100/task/105/children", "102 ");
    tree_.Write("101/task/101/children", "");
  }

  testing::FileTree tree_;
};

TEST_F(RunProcessesTest, CountsTheAgentAloneUntilThereIsARun) {
  RunProcesses run(tree_.root());
  EXPECT_DOUBLE_EQ(*run.CpuSeconds(), 1.5);
  EXPECT_FALSE(run.Owns(100));
}

TEST_F(RunProcessesTest, CountsTheTrainerItsRanksAndThoseThatEnded) {
  ListChildren();
  RunProcesses run(tree_.root());
  run.Follow(100);
  EXPECT_DOUBLE_EQ(*run.CpuSeconds(), 1.5 + 17 + 22 + 33);
  EXPECT_TRUE(run.Owns(100));
  EXPECT_TRUE(run.Owns(102));
  EXPECT_FALSE(run.Owns(900));
}

TEST_F(RunProcessesTest, FindsThemByTheirParentsWhereTheKernelListsNoChildren) {
  RunProcesses run(tree_.root());
  run.Follow(100);
  EXPECT_DOUBLE_EQ(*run.CpuSeconds(), 1.5 + 17 + 22 + 33);
  EXPECT_TRUE(run.Owns(101));
  EXPECT_FALSE(run.Owns(900));
}

TEST_F(RunProcessesTest, AnEndedRankGoesOnInItsParentsTime) {
  ListChildren();
  RunProcesses run(tree_.root());
  run.Follow(100);
  const double before = *run.CpuSeconds();
  tree_.Remove("102");
  tree_.Write("100/task/105/children", "");
  Process("100", 50, {10, 1, 4 + 30, 2 + 3});
  EXPECT_DOUBLE_EQ(*run.CpuSeconds(), before);
  EXPECT_FALSE(run.Owns(102));
}

TEST_F(RunProcessesTest, SaysNothingWhereNothingCanBeRead) {
  tree_.Remove("self");
  EXPECT_FALSE(RunProcesses(tree_.root()).CpuSeconds());
}

TEST_F(RunProcessesTest, ReadsTheRealProc) {
  RunProcesses run;
  const auto before = run.CpuSeconds();
  ASSERT_TRUE(before);
  run.Follow(getpid());  // counted twice now: as the agent and as the run
  EXPECT_GE(*run.CpuSeconds(), *before);
  EXPECT_TRUE(run.Owns(getpid()));
}

}  // namespace
}  // namespace laptime::agent

#endif
