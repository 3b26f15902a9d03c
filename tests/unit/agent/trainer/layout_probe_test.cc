#include "agent/trainer/layout_probe.h"

#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <variant>

#include "agent/trainer/command_line.h"

namespace laptime::trainer {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class LayoutProbeTest : public ::testing::Test {
 protected:
  LayoutProbeTest() {
    std::string pattern = (fs::temp_directory_path() / "laptime-probe-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    setenv("XDG_CACHE_HOME", directory_.c_str(), 1);
    TrainOptions options;
    options.workload = "simclr-synthetic-cifar10";
    options.settings = {{"batch_size", "2"}, {"train_images", "256"}};
    config_.workload = TypedWorkload(std::get<WorkloadSpec>(WorkloadOf(options)));
    config_.threads = 1;
  }
  ~LayoutProbeTest() override {
    at::set_num_threads(1);
    unsetenv("XDG_CACHE_HOME");
    fs::remove_all(directory_);
  }

  const Device device_ = Device::Open("cpu");
  fs::path directory_;
  TrainConfig config_;
};

TEST_F(LayoutProbeTest, MeasuresBothLayoutsOnceAndRemembers) {
  const LayoutChoice first = FindLayout(config_, device_);
  EXPECT_THAT(first.reason, AllOf(StartsWith("measured: "), HasSubstr("channels_last, 1 thread "),
                                  HasSubstr("contiguous, 1 thread ")));
  EXPECT_EQ(first.layout.threads, 1);
  const LayoutChoice second = FindLayout(config_, device_);
  EXPECT_THAT(second.reason, StartsWith("measured before"));
  EXPECT_EQ(second.layout, first.layout);
}

TEST_F(LayoutProbeTest, ObeysWhatIsGiven) {
  config_.memory_format = PixelLayout::kPlanar;
  const LayoutChoice choice = FindLayout(config_, device_);
  EXPECT_EQ(choice.layout, (Layout{PixelLayout::kPlanar, 1}));
  EXPECT_FALSE(fs::exists(directory_ / "laptime"));
}

TEST_F(LayoutProbeTest, AsksAgainWhenTheBatchIsAnother) {
  FindLayout(config_, device_);
  config_.workload.batch_size = 4;
  EXPECT_THAT(FindLayout(config_, device_).reason, StartsWith("measured: "));
}

}  // namespace
}  // namespace laptime::trainer
