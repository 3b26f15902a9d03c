#include "agent/telemetry/cpu_frequency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

class CpuFrequencyTest : public ::testing::Test {
 protected:
  void Cpufreq(int cpu, int kilohertz) {
    tree_.Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cpufreq/scaling_cur_freq",
                std::to_string(kilohertz) + "\n");
  }
  void CpuInfo(const std::string& flags) {
    tree_.Write("proc/cpuinfo",
                "processor\t: 0\ncpu MHz\t\t: 2000.000\nflags\t\t: " + flags +
                    "\n\nprocessor\t: 1\ncpu MHz\t\t: 3000.000\nflags\t\t: " + flags + "\n");
  }
  testing::FileTree tree_;
};

TEST_F(CpuFrequencyTest, IsTheMeanOverTheUsableCpus) {
  for (int cpu = 0; cpu < 4; ++cpu) Cpufreq(cpu, 1000000 * (cpu + 1));
  CpuInfo("fpu aperfmperf");
  CpuFrequency some(tree_.root(), {1, 3});
  ASSERT_EQ(some.sensors().size(), 1);
  EXPECT_EQ(some.sensors()[0].source(), "cpufreq");
  EXPECT_THAT(some.Read(), ElementsAre(Optional(3000.0)));
  tree_.Write("sys/devices/system/cpu/online", "0-3\n");
  EXPECT_THAT(CpuFrequency(tree_.root(), {}).Read(), ElementsAre(Optional(2500.0)));
}

TEST_F(CpuFrequencyTest, AsksNoMoreThanAFewOfManyCpus) {
  std::vector<int> cpus;
  for (int cpu = 0; cpu < 64; ++cpu) {
    cpus.push_back(cpu);
    // Only those that are asked run at 3 GHz.
    Cpufreq(cpu, cpu % (64 / static_cast<int>(kMaxFrequencyCpus)) == 0 ? 3000000 : 1000000);
  }
  EXPECT_THAT(CpuFrequency(tree_.root(), cpus).Read(), ElementsAre(Optional(3000.0)));
}

TEST_F(CpuFrequencyTest, ReadsCpuinfoWhereTheCpuCountsItsCycles) {
  CpuInfo("fpu aperfmperf avx2");
  CpuFrequency both(tree_.root(), {0, 1});
  ASSERT_EQ(both.sensors().size(), 1);
  EXPECT_EQ(both.sensors()[0].source(), "procfs");
  EXPECT_THAT(both.Read(), ElementsAre(Optional(2500.0)));
  EXPECT_THAT(CpuFrequency(tree_.root(), {1}).Read(), ElementsAre(Optional(3000.0)));
}

TEST_F(CpuFrequencyTest, TakesNoConstantForAReading) {
  CpuInfo("fpu hypervisor avx2");
  EXPECT_THAT(CpuFrequency(tree_.root(), {0, 1}).sensors(), IsEmpty());
}

}  // namespace
}  // namespace laptime::agent

#endif
