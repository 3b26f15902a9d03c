#include "agent/trainer_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/trainer/contract.h"

namespace laptime::agent {
namespace {

using ::testing::Contains;
using ::testing::ElementsAreArray;
using ::testing::Not;
using ::testing::Pair;

TEST(TrainerSpecTest, NamesTheDeviceAndCountsGpusAsNvmlDoes) {
  v1::Device device;
  device.set_address("cuda:1");
  const ChildSpec spec = TrainerSpec("/bin/trainer", trainer::kCommandProbe, device);
  EXPECT_EQ(spec.program, "/bin/trainer");
  const std::vector<std::string> first(spec.arguments.begin(), spec.arguments.begin() + 3);
  EXPECT_THAT(first, ElementsAreArray({"probe", "--device", "cuda:1"}));
  EXPECT_THAT(spec.arguments, Not(Contains(trainer::kFlagThreads)));
  EXPECT_THAT(spec.environment, Contains(Pair("CUDA_DEVICE_ORDER", "PCI_BUS_ID")));
}

TEST(TrainerSpecTest, PassesTheDevicesThreadsAndDiesWithUs) {
  v1::Device device;
  device.set_threads(3);
  const ChildSpec spec = TrainerSpec("t", trainer::kCommandTrain, device);
  EXPECT_THAT(spec.arguments, Contains("3"));
#ifdef __linux__
  EXPECT_THAT(spec.arguments, Contains(trainer::kFlagParentPid));
#else
  EXPECT_TRUE(spec.parent_pipe.has_value());
#endif
}

}  // namespace
}  // namespace laptime::agent
