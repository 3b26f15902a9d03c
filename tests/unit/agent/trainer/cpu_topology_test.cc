#include "agent/trainer/cpu_topology.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;

class CpuTopologyTest : public ::testing::Test {
 protected:
  void Write(const fs::path& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }

  // Two threads a core: CPUs 0 and 2 are core 0, 1 and 3 are core 1.
  void FourCpusOnTwoCores() {
    for (int cpu = 0; cpu < 4; ++cpu) {
      const fs::path topology = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology";
      Write(topology / "physical_package_id", "0");
      Write(topology / "core_id", std::to_string(cpu % 2));
    }
  }

  const testing::TempDir dir_;
  const fs::path root_ = dir_.path();
};

TEST_F(CpuTopologyTest, CountsCoresNotThreads) {
  FourCpusOnTwoCores();
  EXPECT_EQ(PhysicalCores(root_, {0, 1, 2, 3}), 2);
}

TEST_F(CpuTopologyTest, CountsOnlyTheCpusItMayUse) {
  FourCpusOnTwoCores();
  EXPECT_EQ(PhysicalCores(root_, {1, 3}), 1);
}

TEST_F(CpuTopologyTest, ObeysTheQuotaOfItsControlGroup) {
  FourCpusOnTwoCores();
  Write("sys/fs/cgroup/cpu.max", "50000 100000");
  EXPECT_EQ(PhysicalCores(root_, {0, 1, 2, 3}), 1);
  Write("sys/fs/cgroup/cpu.max", "max 100000");
  EXPECT_EQ(PhysicalCores(root_, {0, 1, 2, 3}), 2);
}

TEST_F(CpuTopologyTest, CountsEachCpuWhereNothingIsTold) {
  EXPECT_EQ(PhysicalCores(root_, {0, 1, 2}), 3);
}

}  // namespace
}  // namespace laptime::trainer
