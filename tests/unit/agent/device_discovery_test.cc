#include "agent/device_discovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

HostFacts Facts() {
  HostFacts facts;
  facts.host.set_cpu_model("Some CPU");
  facts.host.set_memory_bytes(8e9);
  return facts;
}

const std::vector<GpuInfo>& TwoGpus() {
  static const std::vector<GpuInfo> gpus = {{0, "NVIDIA RTX A6000", "GPU-aaaa", 48e9},
                                            {1, "NVIDIA H200", "GPU-bbbb", std::nullopt}};
  return gpus;
}

std::vector<std::string> Names(const std::vector<OfferedDevice>& devices) {
  std::vector<std::string> names;
  for (const OfferedDevice& offered : devices) names.push_back(offered.device.name());
  return names;
}

TEST(DiscoverDevicesTest, FindsCpuGpusAndMps) {
  ASSERT_OK_AND_ASSIGN(const auto devices,
                       DiscoverDevices(Facts(), TwoGpus(), /*has_mps=*/true, {}));
  EXPECT_THAT(Names(devices), ElementsAre("cpu", "cuda:0", "cuda:1", "mps"));
  EXPECT_EQ(devices[0].device.model(), "Some CPU");
  EXPECT_FALSE(devices[0].device.has_threads());
  EXPECT_EQ(devices[1].device.kind(), v1::DEVICE_KIND_CUDA);
  EXPECT_EQ(devices[1].device.memory_bytes(), 48e9);
  EXPECT_FALSE(devices[2].device.has_memory_bytes());
  EXPECT_EQ(devices[3].device.address(), "mps");
}

TEST(DiscoverDevicesTest, AddsThoseOfTheConfiguration) {
  ASSERT_OK_AND_ASSIGN(const auto devices, DiscoverDevices(Facts(), TwoGpus(), false,
                                                           {{"cpu-1t", v1::DEVICE_KIND_CPU, 1, 0},
                                                            {"big", v1::DEVICE_KIND_CUDA, {}, 1}}));
  EXPECT_THAT(Names(devices), ElementsAre("cpu", "cuda:0", "cuda:1", "cpu-1t", "big"));
  EXPECT_EQ(devices[3].device.threads(), 1);
  EXPECT_EQ(devices[3].device.address(), "cpu");
  EXPECT_EQ(devices[4].device.address(), "cuda:1");
  EXPECT_EQ(devices[4].gpu->uuid, "GPU-bbbb");
}

TEST(DiscoverDevicesTest, RefusesTwoOfOneName) {
  const auto devices = DiscoverDevices(Facts(), {}, false, {{"cpu", v1::DEVICE_KIND_CPU, 1, 0}});
  EXPECT_THAT(devices, StatusIs(absl::StatusCode::kInvalidArgument,
                                HasSubstr("two devices are named 'cpu'")));
}

TEST(DiscoverDevicesTest, RefusesAConfiguredDeviceThatIsNotThere) {
  const auto devices =
      DiscoverDevices(Facts(), TwoGpus(), false, {{"third", v1::DEVICE_KIND_CUDA, {}, 2}});
  EXPECT_THAT(devices, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has no cuda:2")));
  EXPECT_THAT(HintOf(devices.status()), HasSubstr("kind is"));
}

TEST(VisibleGpusTest, FollowsTheOrderAndTheRulesOfCuda) {
  const auto indices = [](const char* visible) {
    std::vector<unsigned> found;
    for (const GpuInfo& gpu : VisibleGpus(TwoGpus(), visible)) found.push_back(gpu.nvml_index);
    return found;
  };
  EXPECT_THAT(indices(nullptr), ElementsAre(0, 1));
  EXPECT_THAT(indices("1,0"), ElementsAre(1, 0));
  EXPECT_THAT(indices("GPU-bb"), ElementsAre(1));
  EXPECT_THAT(indices("1,7,0"), ElementsAre(1));
  EXPECT_THAT(indices(""), ElementsAre());
  EXPECT_THAT(indices("-1"), ElementsAre());
}

}  // namespace
}  // namespace laptime::agent
