#include "agent/trainer/labelled_feed.h"

#include <gtest/gtest.h>

#include "agent/trainer/dataset.h"

namespace laptime::trainer {
namespace {

constexpr int kSide = 16;

Workload SmallWorkload() {
  Workload workload;
  workload.batch_size = 3;
  workload.train_images = 10;
  return workload;
}

TEST(LabelledFeedTest, GivesEachEpochAnotherOrderOfTheSameImages) {
  const Device cpu = Device::Open("cpu");
  LabelledFeed feed(SmallWorkload(), kSide, cpu);
  LabelledFeed same(SmallWorkload(), kSide, cpu);
  LapClock clock;
  feed.StartEpoch(1, 3);
  same.StartEpoch(1, 3);
  const TrainBatch first = feed.Next(clock);
  ASSERT_EQ(first.images.size(), 1u);
  EXPECT_EQ(first.images[0].sizes(), at::IntArrayRef({3, 3, kSide, kSide}));
  EXPECT_TRUE(first.images[0].is_contiguous(cpu.memory_format()));
  EXPECT_TRUE(first.images[0].equal(same.Next(clock).images[0]));
  EXPECT_FALSE(first.images[0].equal(feed.Next(clock).images[0]));
  feed.StartEpoch(2, 3);
  EXPECT_FALSE(first.images[0].equal(feed.Next(clock).images[0]));
  EXPECT_EQ(feed.augment_seconds(), 0);
}

TEST(LabelledFeedTest, RanksShareEveryBatch) {
  Workload workload = SmallWorkload();
  workload.batch_size = 4;
  const Device cpu = Device::Open("cpu");
  LabelledFeed whole(workload, kSide, cpu);
  LabelledFeed second(workload, kSide, cpu, {1, 2});
  LapClock clock;
  whole.StartEpoch(1, 2);
  second.StartEpoch(1, 2);
  for (int step = 0; step < 2; ++step) {
    const TrainBatch all = whole.Next(clock);
    const TrainBatch part = second.Next(clock);
    EXPECT_TRUE(part.images[0].equal(all.images[0].narrow(0, 2, 2))) << step;
    EXPECT_TRUE(part.labels.equal(all.labels.narrow(0, 2, 2))) << step;
  }
}

TEST(LabelledFeedTest, LabelsAreClassesOfImageNet) {
  LabelledFeed feed(SmallWorkload(), kSide, Device::Open("cpu"));
  LapClock clock;
  feed.StartEpoch(1, 1);
  const at::Tensor labels = feed.Next(clock).labels;
  EXPECT_EQ(labels.scalar_type(), at::kLong);
  EXPECT_GE(labels.min().item<int64_t>(), 0);
  EXPECT_LT(labels.max().item<int64_t>(), kClassesOfImageNet);
}

}  // namespace
}  // namespace laptime::trainer
