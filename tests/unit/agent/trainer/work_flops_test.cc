#include "agent/trainer/work_flops.h"

#include <gtest/gtest.h>

#include <string>

namespace laptime::trainer {
namespace {

WorkFlops FlopsOf(const std::string& network) {
  const Device cpu = Device::Open("cpu");
  return CountFlops(Model(network, 1), cpu);
}

// The figures that the literature states for this network and workload.
TEST(WorkFlopsTest, OfSimClrAreThoseOfTheReference) {
  const WorkFlops flops = FlopsOf("resnet18-cifar");
  EXPECT_NEAR(flops.trained_image / 2 / 3 / 2, 0.5556e9, 2e5);
  EXPECT_NEAR(flops.OfLap(49'920, 0, 0), 333e12, 1e12);
  EXPECT_NEAR(flops.OfLap(0, 50'000, 10'000), 67e12 + 0.5e12, 1e12);
}

// Multiply-adds of a forward pass, as torchvision's table of models states them.
TEST(WorkFlopsTest, OfClassifiersAreTorchvisions) {
  EXPECT_NEAR(FlopsOf("resnet18").trained_image / 3 / 2, 1.81e9, 0.01e9);
  EXPECT_NEAR(FlopsOf("resnet50").trained_image / 3 / 2, 4.09e9, 0.01e9);
  EXPECT_NEAR(FlopsOf("vgg16").trained_image / 3 / 2, 15.47e9, 0.01e9);
  EXPECT_EQ(FlopsOf("resnet18").OfLap(0, 5, 5), 0);
}

}  // namespace
}  // namespace laptime::trainer
