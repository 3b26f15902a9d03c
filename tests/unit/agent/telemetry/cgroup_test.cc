#include "agent/telemetry/cgroup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

constexpr char kGroup[] = "sys/fs/cgroup/user.slice/job/";

class CgroupTest : public ::testing::Test {
 protected:
  CgroupTest() { tree_.Write("proc/self/cgroup", "0::/user.slice/job\n"); }
  void CpuStat(int periods, int throttled, int usage) {
    tree_.Write(kGroup + std::string("cpu.stat"),
                "usage_usec " + std::to_string(usage) + "\nuser_usec 1\nnr_periods " +
                    std::to_string(periods) + "\nnr_throttled " + std::to_string(throttled) +
                    "\nthrottled_usec 99\n");
  }
  testing::FileTree tree_;
};

TEST_F(CgroupTest, TakesTheTightestLimitOnTheWayUp) {
  tree_.Write("sys/fs/cgroup/cpu.max", "max 100000\n");
  tree_.Write("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  tree_.Write(kGroup + std::string("cpu.max"), "400000 100000\n");
  tree_.Write(kGroup + std::string("memory.max"), "max\n");
  tree_.Write("sys/fs/cgroup/user.slice/memory.max", "1000000\n");
  const CpuQuota quota = ReadCpuQuota(tree_.root());
  EXPECT_DOUBLE_EQ(quota.cpus, 1.5);
  EXPECT_EQ(quota.stat, tree_.root() / "sys/fs/cgroup/user.slice/cpu.stat");
  EXPECT_EQ(ReadMemoryLimit(tree_.root()).bytes, 1000000);
  tree_.Write(kGroup + std::string("cpu.max"), "50000 100000\n");
  EXPECT_DOUBLE_EQ(ReadCpuQuota(tree_.root()).cpus, 0.5);
}

TEST_F(CgroupTest, WithoutLimitsThereIsNothingToSee) {
  tree_.Write(kGroup + std::string("cpu.max"), "max 100000\n");
  CpuStat(0, 0, 5);
  EXPECT_EQ(ReadCpuQuota(tree_.root()).cpus, 0);
  EXPECT_EQ(ReadMemoryLimit(tree_.root()).bytes, 0);
  CgroupTelemetry telemetry(tree_.root());
  EXPECT_THAT(telemetry.sensors(), IsEmpty());
  Moment moment;
  telemetry.Observe(moment);
  EXPECT_FALSE(moment.cgroup_seconds);
  EXPECT_EQ(moment.quota_cpus, 0);
}

TEST_F(CgroupTest, AQuotaBeyondAnyMachineIsNone) {
  for (const char* text : {"inf 100000\n", "1e300 1\n"}) {
    tree_.Write(kGroup + std::string("cpu.max"), text);
    EXPECT_EQ(ReadCpuQuota(tree_.root()).cpus, 0) << text;
  }
}

TEST_F(CgroupTest, TellsHowOftenTheQuotaWasUsedUp) {
  tree_.Write(kGroup + std::string("cpu.max"), "200000 100000\n");
  tree_.Write(kGroup + std::string("memory.max"), "1000\n");
  tree_.Write(kGroup + std::string("memory.current"), "640\n");
  CpuStat(100, 10, 5000000);
  CgroupTelemetry telemetry(tree_.root());
  ASSERT_EQ(telemetry.sensors().size(), 2);
  CpuStat(110, 13, 6500000);
  EXPECT_THAT(telemetry.Read(), ElementsAre(Optional(30.0), Optional(640.0)));
  EXPECT_THAT(telemetry.Read(), ElementsAre(std::nullopt, Optional(640.0))) << "no period passed";
  Moment moment;
  telemetry.Observe(moment);
  EXPECT_THAT(moment.cgroup_seconds, Optional(6.5));
  EXPECT_EQ(moment.quota_cpus, 2);
}

TEST_F(CgroupTest, KnowsTheFirstVersion) {
  tree_.Write("proc/self/cgroup", "4:memory:/box\n2:cpu,cpuacct:/box\n");
  tree_.Write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "300000\n");
  tree_.Write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  tree_.Write("sys/fs/cgroup/cpu/box/cpu.stat", "nr_periods 4\nnr_throttled 1\n");
  tree_.Write("sys/fs/cgroup/cpuacct/box/cpuacct.usage", "2500000000\n");
  tree_.Write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "5000\n");
  tree_.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(ReadMemoryLimit(tree_.root()).bytes, 5000);
  CgroupTelemetry telemetry(tree_.root());
  EXPECT_EQ(telemetry.sensors().size(), 1) << "nothing says how much memory is used";
  Moment moment;
  telemetry.Observe(moment);
  EXPECT_THAT(moment.cgroup_seconds, Optional(2.5));
  EXPECT_EQ(moment.quota_cpus, 3);
  // As deep, but another group.
  tree_.Write("proc/self/cgroup", "4:memory:/box\n2:cpu:/box\n3:cpuacct:/bin\n");
  tree_.Write("sys/fs/cgroup/cpuacct/bin/cpuacct.usage", "900000000000\n");
  Moment unlike;
  CgroupTelemetry(tree_.root()).Observe(unlike);
  EXPECT_EQ(unlike.quota_cpus, 3);
  EXPECT_EQ(unlike.cgroup_seconds, std::nullopt);
  // -1 is no limit.
  tree_.Write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(ReadCpuQuota(tree_.root()).cpus, 0);
}

}  // namespace
}  // namespace laptime::agent

#endif
