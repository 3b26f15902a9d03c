#include "agent/trainer/ntxent.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "agent/trainer/tensor_data.h"

namespace laptime::trainer {
namespace {

constexpr double kTemperature = 0.5;

double Cosine(const std::vector<double>& a, const std::vector<double>& b) {
  double dot = 0;
  double a2 = 0;
  double b2 = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    dot += a[i] * b[i];
    a2 += a[i] * a[i];
    b2 += b[i] * b[i];
  }
  return dot / std::sqrt(a2 * b2);
}

// The definition, spelled out.
double NaiveNtXent(const std::vector<std::vector<double>>& rows) {
  const size_t images = rows.size() / 2;
  double sum = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    double others = 0;
    for (size_t j = 0; j < rows.size(); ++j) {
      if (j != i) others += std::exp(Cosine(rows[i], rows[j]) / kTemperature);
    }
    const size_t partner = (i + images) % rows.size();
    sum += std::log(others) - Cosine(rows[i], rows[partner]) / kTemperature;
  }
  return sum / static_cast<double>(rows.size());
}

std::vector<std::vector<double>> Rows(const at::Tensor& first, const at::Tensor& second) {
  std::vector<std::vector<double>> rows;
  for (const at::Tensor& view : {first, second}) {
    for (int64_t i = 0; i < view.size(0); ++i) {
      const at::Tensor row = view[i].to(at::kDouble).contiguous();
      rows.emplace_back(DataOf<double>(row), DataOf<double>(row) + row.numel());
    }
  }
  return rows;
}

TEST(NtXentTest, IsTheDefinition) {
  const at::Tensor first = at::rand({5, 7}, at::kDouble) - 0.5;
  const at::Tensor second = at::rand({5, 7}, at::kDouble) - 0.5;
  EXPECT_NEAR(NtXentLoss(first, second, kTemperature).item<double>(),
              NaiveNtXent(Rows(first, second)), 1e-12);
}

TEST(NtXentTest, CollapseCostsTheLogOfTheOthers) {
  const at::Tensor same = at::ones({128, 128});
  EXPECT_NEAR(NtXentLoss(same, same, kTemperature).item<double>(), std::log(255.0), 1e-5);
}

TEST(NtXentTest, ComputesSixteenBitEmbeddingsInFloat) {
  const at::Tensor view = (at::rand({4, 8}) - 0.5).to(at::kBFloat16);
  const at::Tensor loss = NtXentLoss(view, view, kTemperature);
  EXPECT_EQ(loss.scalar_type(), at::kFloat);
  EXPECT_NEAR(loss.item<double>(), NaiveNtXent(Rows(view, view)), 1e-5);
}

// Central differences in double against autograd.
TEST(NtXentTest, HasTheGradientOfTheDefinition) {
  const at::Tensor first = (at::rand({3, 4}, at::kDouble) - 0.5).set_requires_grad(true);
  const at::Tensor second = at::rand({3, 4}, at::kDouble) - 0.5;
  NtXentLoss(first, second, kTemperature).backward();
  constexpr double kStep = 1e-6;
  std::vector<std::vector<double>> up = Rows(first.detach(), second);
  std::vector<std::vector<double>> down = up;
  up[1][2] += kStep;
  down[1][2] -= kStep;
  EXPECT_NEAR(first.grad()[1][2].item<double>(),
              (NaiveNtXent(up) - NaiveNtXent(down)) / (2 * kStep), 1e-7);
}

}  // namespace
}  // namespace laptime::trainer
