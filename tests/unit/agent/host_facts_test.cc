#include "agent/host_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/testing/temp_dir.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;

// A recorded tree of /proc and /sys: an 8-thread, 4-core machine.
class HostFactsTest : public ::testing::Test {
 protected:
  HostFactsTest() {
    Write("etc/os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
    Write("proc/sys/kernel/osrelease", "6.1.0-26-amd64\n");
    Write("proc/cpuinfo",
          "processor\t: 0\nmodel name\t: AMD Ryzen 7 3700X\n\nprocessor\t: 1\nmodel name\t: AMD "
          "Ryzen 7 3700X\n");
    Write("proc/meminfo", "MemTotal:       32800000 kB\nMemFree:         1000000 kB\n");
    Write("proc/self/status", "Name:\tcat\nCpus_allowed:\tff\nCpus_allowed_list:\t0-7\n");
    Write("proc/self/cgroup", "0::/user.slice/agent.service\n");
    for (int cpu = 0; cpu < 8; ++cpu) {
      Write("sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list",
            std::to_string(cpu % 4) + "," + std::to_string(cpu % 4 + 4) + "\n");
    }
  }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories((dir_.path() / path).parent_path());
    std::ofstream(dir_.path() / path) << text;
  }

  HostFacts Read() { return ReadHostFacts(dir_.path()); }

  testing::TempDir dir_;
};

TEST_F(HostFactsTest, ReadsTheMachine) {
  const HostFacts facts = Read();
  EXPECT_EQ(facts.host.os(), "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(facts.host.kernel(), "6.1.0-26-amd64");
  EXPECT_EQ(facts.host.cpu_model(), "AMD Ryzen 7 3700X");
  EXPECT_EQ(facts.host.logical_cores(), 8);
  EXPECT_EQ(facts.host.physical_cores(), 4);
  EXPECT_EQ(facts.host.memory_bytes(), 32800000.0 * 1024);
  EXPECT_THAT(facts.allowed_cpus, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

TEST_F(HostFactsTest, CountsOnlyTheCpusItMayUse) {
  Write("proc/self/status", "Cpus_allowed_list:\t0,4-5\n");
  const HostFacts facts = Read();
  EXPECT_THAT(facts.allowed_cpus, ElementsAre(0, 4, 5));
  EXPECT_EQ(facts.host.logical_cores(), 3);
  EXPECT_EQ(facts.host.physical_cores(), 2);
}

TEST_F(HostFactsTest, HonoursTheTightestLimitOnTheWayUpTheCgroups) {
  Write("sys/fs/cgroup/user.slice/cpu.max", "150000 100000\n");
  Write("sys/fs/cgroup/user.slice/agent.service/cpu.max", "max 100000\n");
  Write("sys/fs/cgroup/user.slice/agent.service/memory.max", "1073741824\n");
  const HostFacts facts = Read();
  EXPECT_EQ(facts.cpu_quota, 1.5);
  EXPECT_EQ(facts.host.logical_cores(), 2);
  EXPECT_EQ(facts.host.physical_cores(), 2);
  EXPECT_EQ(facts.host.memory_bytes(), 1073741824.0);
}

TEST_F(HostFactsTest, HonoursTheFirstVersionOfCgroups) {
  Write("proc/self/cgroup", "4:memory:/box\n3:cpu,cpuacct:/box\n0::/\n");
  Write("sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "300000\n");
  Write("sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  Write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  Write("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2147483648\n");
  const HostFacts facts = Read();
  EXPECT_EQ(facts.cpu_quota, 3);
  EXPECT_EQ(facts.host.memory_bytes(), 2147483648.0);
}

TEST(HostFactsOfNothingTest, LeavesAbsentWhatCannotBeRead) {
  const testing::TempDir dir;
  const HostFacts facts = ReadHostFacts(dir.path());
  EXPECT_FALSE(facts.host.has_logical_cores());
  EXPECT_FALSE(facts.host.has_physical_cores());
  EXPECT_FALSE(facts.host.has_memory_bytes());
  EXPECT_EQ(facts.cpu_quota, 0);
}

}  // namespace
}  // namespace laptime::agent

#endif
