#include "agent/trainer/knn.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "agent/trainer/normalized_rows.h"

namespace laptime::trainer {
namespace {

int NaiveVote(const at::Tensor& feature, const at::Tensor& bank, const at::Tensor& labels,
              const KnnOptions& options) {
  const auto rows = static_cast<size_t>(bank.size(0));
  std::vector<double> similarity;
  for (size_t i = 0; i < rows; ++i) {
    similarity.push_back(
        feature.to(at::kDouble).dot(bank[static_cast<int64_t>(i)].to(at::kDouble)).item<double>());
  }
  std::vector<size_t> order(rows);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) { return similarity[a] > similarity[b]; });
  std::vector<double> votes(static_cast<size_t>(options.classes));
  for (int i = 0; i < options.neighbours; ++i) {
    const size_t row = order[static_cast<size_t>(i)];
    const auto label = static_cast<size_t>(labels[static_cast<int64_t>(row)].item<int64_t>());
    votes[label] += std::exp(similarity[row] / options.temperature);
  }
  return static_cast<int>(std::ranges::max_element(votes) - votes.begin());
}

TEST(KnnTest, VotesAsTheDefinitionDoes) {
  const KnnOptions options{7, 0.1, 4};
  const at::Tensor bank = NormalizedRows(at::rand({60, 5}) - 0.5);
  const at::Tensor labels = at::randint(0, 4, {60}, at::kLong);
  const at::Tensor features = NormalizedRows(at::rand({20, 5}) - 0.5);
  const at::Tensor predicted = KnnPredict(features, bank, labels, options);
  KnnOptions on_host = options;
  on_host.sort_on_host = true;
  EXPECT_TRUE(KnnPredict(features, bank, labels, on_host).equal(predicted));
  for (int64_t i = 0; i < features.size(0); ++i) {
    EXPECT_EQ(predicted[i].item<int64_t>(), NaiveVote(features[i], bank, labels, options)) << i;
  }
}

// One very near neighbour outweighs two far ones at a low temperature, not at a high one.
TEST(KnnTest, WeighsBySimilarityOverTemperature) {
  const at::Tensor bank =
      NormalizedRows(at::tensor({1.0f, 0.0f, 0.6f, 0.8f, 0.6f, -0.8f}).view({3, 2}));
  const at::Tensor labels = at::tensor({0, 1, 1}).to(at::kLong);
  const at::Tensor feature = at::tensor({1.0f, 0.0f}).view({1, 2});
  EXPECT_EQ(KnnPredict(feature, bank, labels, {3, 0.1, 2}).item<int64_t>(), 0);
  EXPECT_EQ(KnnPredict(feature, bank, labels, {3, 10, 2}).item<int64_t>(), 1);
}

}  // namespace
}  // namespace laptime::trainer
