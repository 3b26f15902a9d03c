#ifdef __linux__

#include "agent/telemetry/proc_cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/testing/file_tree.h"

namespace laptime::agent {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;

// user nice system idle iowait irq softirq steal guest guest_nice
constexpr char kBefore[] =
    "cpu  1000 0 200 6000 100 0 0 0 50 0\n"
    "cpu0 500 0 100 3000 50 0 0 0 50 0\n"
    "cpu1 500 0 100 3000 50 0 0 0 0 0\n"
    "intr 1 2 3\n";
// In 100 ticks: cpu0 wholly busy (10 of it stolen), cpu1 busy for 20.
constexpr char kAfter[] =
    "cpu  1100 0 210 6075 105 0 0 10 50 0\n"
    "cpu0 580 0 110 3000 50 0 0 10 50 0\n"
    "cpu1 520 0 100 3075 55 0 0 0 0 0\n"
    "intr 1 2 3\n";

class ProcCpuTest : public ::testing::Test {
 protected:
  ProcCpuTest() { options_.root = tree_.root(); }
  void WriteStat(const std::string& text) { tree_.Write("proc/stat", text); }

  // The value of a sensor after kBefore became kAfter.
  std::optional<double> Value(const std::string& sensor) {
    WriteStat(kBefore);
    ProcCpu cpu(options_, run_);
    WriteStat(kAfter);
    const auto values = cpu.Read();
    for (size_t i = 0; i < values.size(); ++i) {
      if (cpu.sensors()[i].name() == sensor) return values[i];
    }
    ADD_FAILURE() << "no sensor " << sensor;
    return std::nullopt;
  }

  testing::FileTree tree_;
  RunProcesses run_{tree_.root() / "proc"};
  ProcCpuOptions options_;
};

TEST_F(ProcCpuTest, ReadsTheMachineAndItsExtremes) {
  EXPECT_THAT(Value("cpu_utilization"), Optional(60.0));
  EXPECT_THAT(Value("cpu_steal"), Optional(5.0));
  EXPECT_THAT(Value("cpu_idlest"), Optional(20.0));
  EXPECT_THAT(Value("cpu_busiest"), Optional(100.0));
  options_.cpus = {1};
  EXPECT_THAT(Value("cpu_busiest"), Optional(20.0));
}

TEST_F(ProcCpuTest, MeasuresACpuDeviceByTheCpusItMayUse) {
  options_.device_threads = 0;
  EXPECT_THAT(Value(kDeviceUtilization), Optional(60.0));
  options_.cpus = {1};
  EXPECT_THAT(Value(kDeviceUtilization), Optional(20.0));
}

TEST_F(ProcCpuTest, CapsADeviceOfFewThreadsAtAHundred) {
  options_.device_threads = 1;  // 1.2 CPUs were busy
  EXPECT_THAT(Value(kDeviceUtilization), Optional(100.0));
}

TEST_F(ProcCpuTest, MeasuresAgainstAQuota) {
  options_.device_threads = 0;
  options_.cpu_quota = 1.5;
  EXPECT_THAT(Value(kDeviceUtilization), Optional(80.0));
}

TEST_F(ProcCpuTest, SaysNothingWhenNoTimeHasPassedOrNothingCanBeRead) {
  WriteStat(kBefore);
  options_.device_threads = 0;
  ProcCpu cpu(options_, run_);
  EXPECT_THAT(cpu.Read(), AllOf(SizeIs(5), Each(Eq(std::nullopt))));
  tree_.Remove("proc/stat");
  EXPECT_THAT(cpu.Read(), AllOf(SizeIs(5), Each(Eq(std::nullopt))));
}

TEST_F(ProcCpuTest, HasNoSensorWhereThereIsNoProc) {
  ProcCpu cpu(options_, run_);
  EXPECT_THAT(cpu.sensors(), IsEmpty());
  EXPECT_THAT(cpu.Read(), IsEmpty());
  Moment moment;
  cpu.Observe(moment);
  EXPECT_FALSE(moment.busy_seconds);
  EXPECT_FALSE(moment.own_seconds);
  EXPECT_EQ(moment.cpus, 0);
}

TEST_F(ProcCpuTest, ObservesWhatTheUsableCpusDidWithoutSteal) {
  const auto hertz = static_cast<double>(sysconf(_SC_CLK_TCK));
  WriteStat(kAfter);
  tree_.Write("proc/self/stat", "1 (agent) S 0 1 1 0 -1 0 0 0 0 0 30 12 0 0 20 0 1 0 1 1 1");
  Moment moment;
  ProcCpu(options_, run_).Observe(moment);
  EXPECT_THAT(moment.busy_seconds, Optional((690 + 620) / hertz));
  EXPECT_THAT(moment.steal_seconds, Optional(10 / hertz));
  EXPECT_THAT(moment.own_seconds, Optional(42 / hertz));
  EXPECT_EQ(moment.cpus, 2);
  options_.cpus = {1};
  Moment of_one;
  ProcCpu(options_, run_).Observe(of_one);
  EXPECT_THAT(of_one.busy_seconds, Optional(620 / hertz));
  EXPECT_EQ(of_one.cpus, 1);
}

}  // namespace
}  // namespace laptime::agent

#endif
