#include "agent/trainer/step_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace laptime::trainer {
namespace {

using ::testing::HasSubstr;

class StepMemoryTest : public ::testing::Test {
 protected:
  const Device device_ = Device::Open("cpu");
  const Workload workload_{};
};

// ResNet-18 keeps its weights, their gradients and their momentum: three times 11.5 M floats.
TEST_F(StepMemoryTest, CountsAtLeastTheStateAndTheActivations) {
  const int64_t bytes = StepMemoryBytes(workload_, device_, 4);
  EXPECT_GT(bytes, int64_t{3} * 11497792 * 4);
  // 20 convolutions of an image's two views in float32 keep about 2 x 0.6 M values and as many of
  // batch norm, 32x32 pixels at full width first.
  EXPECT_GT(StepMemoryBytes(workload_, device_, 8) - bytes, int64_t{4} * 2 * 557056 * 4);
}

TEST_F(StepMemoryTest, TheModelForetellsALargerBatch) {
  const MemoryModel model = MeasureMemory(workload_, device_);
  const auto measured = static_cast<double>(StepMemoryBytes(workload_, device_, 48));
  EXPECT_NEAR(model.Bytes(48) / measured, 1, 0.02);
  EXPECT_NEAR(model.image, 9.3e6, 0.5e6);
}

TEST_F(StepMemoryTest, MeasuresEachTimeAnew) {
  EXPECT_EQ(StepMemoryBytes(workload_, device_, 4), StepMemoryBytes(workload_, device_, 4));
}

TEST(MemoryModelTest, FindsTheLargestBatch) {
  const MemoryModel model{100, 10, 1};
  EXPECT_EQ(model.Bytes(3), 100 + 30 + 9);
  EXPECT_EQ(model.Fitting(139, 1000), 3);
  EXPECT_EQ(model.Fitting(138.9, 1000), 2);
  EXPECT_EQ(model.Fitting(1e9, 7), 7);
  EXPECT_EQ(model.Fitting(99, 1000), 0);
}

TEST(LargestThatFitsTest, IsFoundToASixteenth) {
  for (const int64_t room : {1, 2, 7, 96, 1000, 8191, 8192, 100000}) {
    int asked = 0;
    const int64_t found = LargestThatFits(8192, [&](int64_t images) {
      ++asked;
      return images <= room;
    });
    const int64_t best = std::min<int64_t>(room, 8192);
    EXPECT_LE(found, best);
    EXPECT_GE(found + found / 16 + 1, best) << room;
    EXPECT_LE(asked, 20) << room;
  }
}

TEST(LargestThatFitsTest, NoneMayFit) {
  EXPECT_EQ(LargestThatFits(512, [](int64_t) { return false; }), 0);
}

TEST_F(StepMemoryTest, OfFewImagesOnlyBatchesThatTrainAreMeasured) {
  Workload workload;
  workload.batch_size = 16;
  EXPECT_GT(MeasureMemory(workload, device_).image, 0);
}

TEST_F(StepMemoryTest, TheHintNamesABatchAndHowItIsKnown) {
  Workload workload;
  workload.batch_size = 1 << 24;
  const std::string hint = MemoryHint(workload, device_);
  EXPECT_THAT(hint, HasSubstr("batch_size="));
  EXPECT_THAT(hint, HasSubstr(" MB an image; cpu has "));
}

}  // namespace
}  // namespace laptime::trainer
