#include "agent/trainer/loader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "agent/trainer/augment.h"
#include "agent/trainer/sampler.h"
#include "agent/trainer/synthetic.h"

namespace laptime::trainer {
namespace {

constexpr int kBatch = 4;

class LoaderTest : public ::testing::Test {
 protected:
  using Bytes = std::vector<uint8_t>;

  // All views of two epochs in order: what `workers` threads make.
  Bytes Collect(int workers, uint64_t seed = 1, PixelLayout layout = PixelLayout::kPlanar) {
    BatchLoader loader(images_, {kBatch, workers, seed, layout}, MakeSlots(workers));
    Bytes all;
    for (int epoch = 1; epoch <= 2; ++epoch) {
      loader.StartEpoch(epoch, kSteps);
      for (int step = 0; step < kSteps; ++step) {
        const Batch batch = loader.Next();
        for (const auto& view : memory_[static_cast<size_t>(batch.slot)])
          all.insert(all.end(), view.begin(), view.end());
        EXPECT_GE(batch.augment_seconds, 0);
        loader.Release();
      }
    }
    return all;
  }

  std::vector<BatchBuffers> MakeSlots(int workers) {
    memory_.assign(static_cast<size_t>(BatchLoader::SlotsFor(workers)), {});
    std::vector<BatchBuffers> slots;
    for (auto& views : memory_) {
      for (Bytes& view : views) view.assign(size_t{kBatch} * kImageBytes, 0);
      slots.push_back({{views[0].data(), views[1].data()}});
    }
    return slots;
  }

  static constexpr int kSteps = 5;
  // 23 images: the last three make no batch.
  const ImageSet images_ = GenerateSyntheticCifar10(23, 0).train;
  std::vector<std::array<Bytes, kViews>> memory_;
};

TEST_F(LoaderTest, MakesTheSameViewsWithAnyNumberOfWorkers) {
  const Bytes alone = Collect(0);
  EXPECT_EQ(Collect(1), alone);
  EXPECT_EQ(Collect(3), alone);
  EXPECT_EQ(Collect(8), alone);
}

TEST_F(LoaderTest, MakesOtherViewsForAnotherSeed) { EXPECT_NE(Collect(1, 1), Collect(1, 2)); }

TEST_F(LoaderTest, MakesTwoDifferentViewsOfTheShuffledImages) {
  BatchLoader loader(images_, {kBatch, 1, 9, PixelLayout::kPlanar}, MakeSlots(1));
  loader.StartEpoch(3, 1);
  const Batch batch = loader.Next();
  const auto& views = memory_[static_cast<size_t>(batch.slot)];
  EXPECT_NE(views[0], views[1]);

  const int32_t image = ShuffledIndices(images_.size(), 9, 3)[1];
  RandomStream random(RandomUse::kView, {9, 3, static_cast<uint64_t>(image), 1});
  Bytes expected(kImageBytes);
  MakeView(images_.image(image), DrawView(random), expected.data());
  EXPECT_EQ(std::memcmp(views[1].data() + kImageBytes, expected.data(), kImageBytes), 0);
  loader.Release();
}

TEST_F(LoaderTest, InterleavesWhenAsked) {
  const Bytes planar = Collect(2);
  const Bytes mixed = Collect(2, 1, PixelLayout::kInterleaved);
  ASSERT_EQ(mixed.size(), planar.size());
  Bytes expected(kImageBytes);
  Interleave(planar.data(), expected.data());
  EXPECT_EQ(std::memcmp(mixed.data(), expected.data(), kImageBytes), 0);
}

TEST_F(LoaderTest, StopsWithWorkAhead) {
  auto loader = std::make_unique<BatchLoader>(
      images_, LoaderOptions{kBatch, 2, 1, PixelLayout::kPlanar}, MakeSlots(2));
  loader->StartEpoch(1, kSteps);
  loader->Next();
  loader.reset();
}

}  // namespace
}  // namespace laptime::trainer
