#include "agent/trainer/layers.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "agent/trainer/flop_counter.h"

namespace laptime::trainer {
namespace {

// PyTorch's default for weights and biases of convolutions and linear layers: Kaiming uniform with
// a = sqrt(5).
at::Tensor DefaultStart(at::IntArrayRef shape, int64_t fan_in, at::Generator& random) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  return at::empty(shape, at::kFloat).uniform_(-bound, bound, random);
}

}  // namespace

Conv2d::Conv2d(int in, int out, int kernel, int stride, at::Generator& random, Bias bias)
    : weight_(DefaultStart({out, in, kernel, kernel}, int64_t{in} * kernel * kernel, random)),
      stride_(stride),
      padding_(kernel / 2) {
  if (bias == Bias::kTrained) bias_ = DefaultStart({out}, int64_t{in} * kernel * kernel, random);
}

at::Tensor Conv2d::Forward(const at::Tensor& x) const {
  at::Tensor y =
      at::conv2d(x, weight_, bias_, {stride_, stride_}, at::IntArrayRef{padding_, padding_});
  const int64_t multiplied = weight_.numel() / weight_.size(0);  // for each number of y
  FlopCounter::Add(static_cast<double>(y.numel()) * static_cast<double>(multiplied));
  return y;
}

void Conv2d::Visit(const std::string& prefix, const TensorVisitor& visit) {
  visit(prefix + ".weight", weight_, true);
  if (bias_.defined()) visit(prefix + ".bias", bias_, true);
}

BatchNorm::BatchNorm(int channels)
    : state_{at::ones({channels}), at::zeros({channels}), at::zeros({channels}),
             at::ones({channels})} {}

at::Tensor BatchNorm::Forward(const at::Tensor& x, bool training, Activation activation,
                              const at::Tensor& residual) const {
  if (training && CanFuseNorm(x, state_)) return FusedNorm(x, state_, activation, residual);
  at::Tensor y = at::batch_norm(x, state_.weight, state_.bias, state_.running_mean,
                                state_.running_var, training, kNormMomentum, kNormEpsilon,
                                /*cudnn_enabled=*/true);
  // In place: the backward pass of a batch norm needs its input, not its output.
  if (residual.defined()) y.add_(residual);
  return activation == Activation::kRelu ? y.relu_() : y;
}

void BatchNorm::Visit(const std::string& prefix, const TensorVisitor& visit) {
  visit(prefix + ".weight", state_.weight, true);
  visit(prefix + ".bias", state_.bias, true);
  visit(prefix + ".running_mean", state_.running_mean, false);
  visit(prefix + ".running_var", state_.running_var, false);
}

Linear::Linear(int in, int out, at::Generator& random, Bias bias)
    : weight_(DefaultStart({out, in}, in, random)) {
  if (bias == Bias::kTrained) bias_ = DefaultStart({out}, in, random);
}

at::Tensor Linear::Forward(const at::Tensor& x) const {
  FlopCounter::Add(static_cast<double>(x.numel()) * static_cast<double>(weight_.size(0)));
  return at::linear(x, weight_, bias_);
}

void Linear::Visit(const std::string& prefix, const TensorVisitor& visit) {
  visit(prefix + ".weight", weight_, true);
  if (bias_.defined()) visit(prefix + ".bias", bias_, true);
}

}  // namespace laptime::trainer
