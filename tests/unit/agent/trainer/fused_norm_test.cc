#include "agent/trainer/fused_norm.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

namespace laptime::trainer {
namespace {

struct Case {
  std::string name;
  std::vector<int64_t> shape;
  Activation activation;
  bool residual;
};

// What a failure and CTest call it.
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

at::Tensor Laid(const at::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x;
}

at::Tensor Random(const std::vector<int64_t>& shape, at::ScalarType type) {
  return Laid(at::randn(shape, type));
}

// One norm and what goes in, made anew with the same numbers for each way of computing.
struct Norm {
  NormState state;
  at::Tensor x;
  at::Tensor residual;

  // In `type`; beside bfloat16 the state is of float, as under autocast.
  Norm Copy(at::ScalarType type) const {
    const auto copy = [](const at::Tensor& tensor, at::ScalarType to, bool trained) {
      return tensor.defined() ? tensor.detach().to(to).clone().set_requires_grad(trained) : tensor;
    };
    const at::ScalarType states = type == at::kBFloat16 ? at::kFloat : type;
    return {{copy(state.weight, states, true), copy(state.bias, states, true),
             copy(state.running_mean, states, false), copy(state.running_var, states, false)},
            copy(x, type, true),
            copy(residual, type, true)};
  }

  at::Tensor Plain(Activation activation) const {
    at::Tensor y = at::batch_norm(x, state.weight, state.bias, state.running_mean,
                                  state.running_var, true, kNormMomentum, kNormEpsilon, false);
    if (residual.defined()) y = y + residual;
    return activation == Activation::kRelu ? y.relu() : y;
  }

  at::Tensor Fused(Activation activation) const {
    return FusedNorm(x, state, activation, residual);
  }

  std::vector<at::Tensor> Results(const at::Tensor& y) const {
    std::vector<at::Tensor> results = {y.detach(),        x.grad(),           state.weight.grad(),
                                       state.bias.grad(), state.running_mean, state.running_var};
    if (residual.defined()) results.push_back(residual.grad());
    return results;
  }
};

Norm MakeNorm(const Case& c, at::ScalarType type, double mean = 0.3) {
  at::manual_seed(1);
  const int64_t channels = c.shape[1];
  return {{at::rand(channels, type) + 0.5, at::randn(channels, type), at::randn(channels, type),
           at::rand(channels, type)},
          Random(c.shape, type) * 2 + mean,
          c.residual ? Random(c.shape, type) : at::Tensor()};
}

double Distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a.to(at::kDouble) - b.to(at::kDouble)).norm() / b.to(at::kDouble).norm()).item<double>();
}

struct Compared {
  std::vector<at::Tensor> exact;  // PyTorch's operations in float64
  std::vector<at::Tensor> theirs;
  std::vector<at::Tensor> ours;
};

// A forward and a backward pass of all three, from one gradient.
Compared Compare(const Case& c, const Norm& truth, const Norm& plain, const Norm& fused) {
  const at::Tensor exact = truth.Plain(c.activation);
  const at::Tensor theirs = plain.Plain(c.activation);
  const at::Tensor ours = fused.Fused(c.activation);
  const at::Tensor dy = at::randn_like(theirs);
  exact.backward(dy.to(at::kDouble));
  theirs.backward(dy);
  ours.backward(dy);
  return {truth.Results(exact), plain.Results(theirs), fused.Results(ours)};
}

class FusedNormTest : public ::testing::TestWithParam<Case> {};

TEST_P(FusedNormTest, EqualsPyTorchsOperationsInDouble) {
  const Case& c = GetParam();
  const Norm norm = MakeNorm(c, at::kDouble);
  const Norm plain = norm.Copy(at::kDouble);
  const Norm fused = norm.Copy(at::kDouble);
  ASSERT_TRUE(CanFuseNorm(fused.x, fused.state));
  const at::Tensor expected = plain.Plain(c.activation);
  const at::Tensor y = fused.Fused(c.activation);
  const at::Tensor dy = at::randn_like(expected);
  expected.backward(dy);
  y.backward(dy);
  const std::vector<at::Tensor> want = plain.Results(expected);
  const std::vector<at::Tensor> got = fused.Results(y);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_LT(Distance(got[i], want[i]), 1e-12) << i;
  EXPECT_EQ(y.strides(), fused.x.strides());
}

TEST_P(FusedNormTest, ErrsAtMostTwiceAsPyTorchsPlainLayoutInFloat) {
  const Case& c = GetParam();
  const Norm norm = MakeNorm(c, at::kFloat);
  const Norm truth = norm.Copy(at::kDouble);
  const Norm plain = norm.Copy(at::kFloat);
  const Norm fused = norm.Copy(at::kFloat);
  const Norm contiguous = {plain.state, plain.x.contiguous().detach().set_requires_grad(true),
                           plain.residual};
  const Compared results = Compare(c, truth, contiguous, fused);
  for (size_t i = 0; i < results.exact.size(); ++i) {
    EXPECT_LE(Distance(results.ours[i], results.exact[i]),
              2 * Distance(results.theirs[i], results.exact[i]) + 1e-7)
        << i;
  }
}

// PyTorch rounds to 16 bits after each of the three operations.
TEST_P(FusedNormTest, ErrsNoMoreThanPyTorchInBfloat16) {
  const Case& c = GetParam();
  const Norm norm = MakeNorm(c, at::kFloat).Copy(at::kBFloat16);
  const Norm truth = norm.Copy(at::kDouble);
  const Norm plain = norm.Copy(at::kBFloat16);
  const Norm fused = norm.Copy(at::kBFloat16);
  ASSERT_TRUE(CanFuseNorm(fused.x, fused.state));
  const Compared results = Compare(c, truth, plain, fused);
  for (size_t i = 0; i < results.exact.size(); ++i) {
    EXPECT_EQ(results.ours[i].scalar_type(), results.theirs[i].scalar_type()) << i;
    EXPECT_LE(Distance(results.ours[i], results.exact[i]),
              1.1 * Distance(results.theirs[i], results.exact[i]) + 1e-6)
        << i;
  }
}

TEST_P(FusedNormTest, DoesNotDependOnTheThreads) {
  const Case& c = GetParam();
  const Norm norm = MakeNorm(c, at::kFloat);
  const at::Tensor dy = Random(c.shape, at::kFloat);
  std::vector<std::vector<at::Tensor>> results;
  const int threads = at::get_num_threads();
  for (int count : {1, 2, 3}) {
    at::set_num_threads(count);
    const Norm fused = norm.Copy(at::kFloat);
    const at::Tensor y = fused.Fused(c.activation);
    y.backward(dy);
    results.push_back(fused.Results(y));
  }
  at::set_num_threads(threads);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(results[1][i].equal(results[0][i])) << i;
    EXPECT_TRUE(results[2][i].equal(results[0][i])) << i;
  }
}

TEST_P(FusedNormTest, KeepsItsDigitsFarFromZero) {
  const Case& c = GetParam();
  const Norm norm = MakeNorm(c, at::kDouble, /*mean=*/1e3);
  const Norm plain = norm.Copy(at::kDouble);
  const Norm fused = norm.Copy(at::kFloat);
  EXPECT_LT(Distance(fused.Fused(c.activation), plain.Plain(c.activation)), 1e-4);
  EXPECT_LT(Distance(fused.state.running_var, plain.state.running_var), 1e-4);
}

TEST_P(FusedNormTest, TakesAGradientInAnotherMemoryFormat) {
  const Case& c = GetParam();
  const Norm norm = MakeNorm(c, at::kDouble);
  const at::Tensor dy = at::randn(c.shape, at::kDouble);
  const Norm one = norm.Copy(at::kDouble);
  one.Fused(c.activation).backward(dy);
  const Norm other = norm.Copy(at::kDouble);
  other.Fused(c.activation).backward(Laid(dy));
  EXPECT_TRUE(one.x.grad().equal(other.x.grad()));
}

INSTANTIATE_TEST_SUITE_P(
    All, FusedNormTest,
    ::testing::Values(Case{"images", {5, 64, 7, 9}, Activation::kNone, false},
                      Case{"imagesRelu", {5, 64, 7, 9}, Activation::kRelu, false},
                      Case{"imagesReluResidual", {5, 64, 7, 9}, Activation::kRelu, true},
                      Case{"imagesResidual", {5, 64, 7, 9}, Activation::kNone, true},
                      Case{"manyRows", {16, 3, 32, 32}, Activation::kRelu, false},
                      Case{"vectors", {32, 128}, Activation::kNone, false},
                      Case{"fewVectorsRelu", {6, 5}, Activation::kRelu, false}),
    [](const auto& info) { return info.param.name; });

TEST(CanFuseNormTest, NotWhatLiesOtherwiseOrIsOfAnotherType) {
  const NormState state = {at::ones({3}), at::zeros({3}), at::zeros({3}), at::ones({3})};
  const at::Tensor images = Laid(at::zeros({2, 3, 4, 4}));
  EXPECT_TRUE(CanFuseNorm(images, state));
  EXPECT_TRUE(CanFuseNorm(images.to(at::kBFloat16), state));
  EXPECT_FALSE(CanFuseNorm(images.to(at::kDouble), state));
  EXPECT_FALSE(CanFuseNorm(images.to(at::kHalf), state));
  EXPECT_FALSE(CanFuseNorm(images.contiguous(), state));
  EXPECT_FALSE(CanFuseNorm(at::zeros({2, 3, 4}), state));
}

TEST(FusedNormEdgeTest, LetsWhatIsNotANumberPass) {
  const Norm norm = MakeNorm({"", {4, 3}, Activation::kRelu, false}, at::kFloat).Copy(at::kFloat);
  const at::Tensor x = norm.x.detach().clone();
  x[2][1] = std::numeric_limits<float>::quiet_NaN();
  const at::Tensor y = FusedNorm(x, norm.state, Activation::kRelu, {});
  EXPECT_TRUE(y.select(1, 1).isnan().all().item<bool>());
  EXPECT_FALSE(y.select(1, 0).isnan().any().item<bool>());
}

TEST(FusedNormEdgeTest, ASingleValueHasNoVariance) {
  const NormState state = {at::zeros({3}), at::zeros({3}), at::zeros({3}), at::zeros({3})};
  EXPECT_THROW(FusedNorm(at::zeros({1, 3}), state, Activation::kNone, {}), c10::Error);
}

TEST(FusedNormEdgeTest, TheResidualIsLikeX) {
  const NormState state = {at::zeros({3}), at::zeros({3}), at::zeros({3}), at::zeros({3})};
  const at::Tensor x = at::zeros({4, 3});
  EXPECT_THROW(FusedNorm(x, state, Activation::kNone, at::zeros({2, 3})), c10::Error);
  EXPECT_THROW(FusedNorm(x, state, Activation::kNone, x.to(at::kDouble)), c10::Error);
}

}  // namespace
}  // namespace laptime::trainer
