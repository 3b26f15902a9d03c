#include "agent/trainer/layout_probe.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <variant>

#include "agent/trainer/command_line.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LayoutProbeTest : public ::testing::Test {
 protected:
  LayoutProbeTest() {
    setenv("XDG_CACHE_HOME", dir_.path().c_str(), 1);
    TrainOptions options;
    options.workload = "simclr-synthetic-cifar10";
    options.settings = {{"batch_size", "2"}, {"train_images", "256"}};
    config_.workload = TypedWorkload(std::get<WorkloadSpec>(WorkloadOf(options)));
    config_.threads = 1;
  }
  ~LayoutProbeTest() override {
    at::set_num_threads(1);
    unsetenv("XDG_CACHE_HOME");
  }

  const Device device_ = Device::Open("cpu");
  const testing::TempDir dir_;
  TrainConfig config_;
};

TEST_F(LayoutProbeTest, MeasuresBothLayoutsOnceAndRemembers) {
  const LayoutChoice first = FindLayout(config_, device_, std::nullopt);
  EXPECT_THAT(first.reason, AllOf(StartsWith("measured: "), HasSubstr("channels_last, 1 thread "),
                                  HasSubstr("contiguous, 1 thread ")));
  EXPECT_EQ(first.layout.threads, 1);
  const LayoutChoice second = FindLayout(config_, device_, std::nullopt);
  EXPECT_THAT(second.reason, AllOf(StartsWith(first.reason), HasSubstr("layouts.json")));
  EXPECT_EQ(second.layout, first.layout);
}

TEST_F(LayoutProbeTest, ATrainingThatGoesOnKeepsItsLayout) {
  const Layout resumed{PixelLayout::kPlanar, 1};
  const LayoutChoice choice = FindLayout(config_, device_, resumed);
  EXPECT_EQ(choice.layout, resumed);
  EXPECT_EQ(choice.reason, "of the training that goes on");
  // One that is not possible here does not bind.
  EXPECT_EQ(FindLayout(config_, device_, Layout{PixelLayout::kPlanar, 77}).layout.threads, 1);
}

TEST_F(LayoutProbeTest, ObeysWhatIsGiven) {
  config_.memory_format = PixelLayout::kPlanar;
  const LayoutChoice choice = FindLayout(config_, device_, std::nullopt);
  EXPECT_EQ(choice.layout, (Layout{PixelLayout::kPlanar, 1}));
  EXPECT_FALSE(fs::exists(dir_.path() / "laptime"));
}

TEST_F(LayoutProbeTest, AsksAgainWhenTheBatchIsAnother) {
  FindLayout(config_, device_, std::nullopt);
  config_.workload.batch_size = 4;
  EXPECT_THAT(FindLayout(config_, device_, std::nullopt).reason, StartsWith("measured: "));
}

}  // namespace
}  // namespace laptime::trainer
