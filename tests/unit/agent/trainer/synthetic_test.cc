#include "agent/trainer/synthetic.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <limits>

namespace laptime::trainer {
namespace {

TEST(SyntheticTest, IsTheSameEveryTimeAndWhateverTheLimit) {
  const Dataset small = GenerateSyntheticCifar10(20, 10);
  const Dataset large = GenerateSyntheticCifar10(40, 15);
  EXPECT_TRUE(
      std::equal(small.train.pixels.begin(), small.train.pixels.end(), large.train.pixels.begin()));
  EXPECT_TRUE(
      std::equal(small.eval.labels.begin(), small.eval.labels.end(), large.eval.labels.begin()));
  EXPECT_EQ(large.train.size(), 40);
  EXPECT_EQ(large.eval.size(), 15);
}

TEST(SyntheticTest, TestImagesAreNotTrainingImages) {
  const Dataset data = GenerateSyntheticCifar10(10, 10);
  EXPECT_NE(data.train.pixels, data.eval.pixels);
}

TEST(SyntheticTest, HasTenClassesOfSimilarSize) {
  const Dataset data = GenerateSyntheticCifar10(2000, 1);
  for (int label = 0; label < kClasses; ++label) {
    const auto count = std::ranges::count(data.train.labels, label);
    EXPECT_GT(count, 140) << label;
    EXPECT_LT(count, 260) << label;
  }
}

// Nearest neighbour on raw pixels must not solve it, or the training would show nothing; but it
// must see something.
TEST(SyntheticTest, IsNeitherTrivialNorPureNoise) {
  const Dataset data = GenerateSyntheticCifar10(400, 60);
  int correct = 0;
  for (int i = 0; i < data.eval.size(); ++i) {
    int64_t best = std::numeric_limits<int64_t>::max();
    int label = 0;
    for (int j = 0; j < data.train.size(); ++j) {
      int64_t distance = 0;
      for (int p = 0; p < kImageBytes; p += 3) {
        const int difference = data.eval.image(i)[p] - data.train.image(j)[p];
        distance += difference * difference;
      }
      if (distance < best) {
        best = distance;
        label = data.train.labels[static_cast<size_t>(j)];
      }
    }
    correct += label == data.eval.labels[static_cast<size_t>(i)];
  }
  EXPECT_GT(correct, 9);
  EXPECT_LT(correct, 48);
}

}  // namespace
}  // namespace laptime::trainer
