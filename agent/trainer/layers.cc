#include "agent/trainer/layers.h"

#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <cmath>

namespace laptime::trainer {
namespace {

constexpr double kNormMomentum = 0.1;
constexpr double kNormEpsilon = 1e-5;

// PyTorch's default for convolutions and linear layers: Kaiming uniform with a = sqrt(5).
at::Tensor DefaultWeight(at::IntArrayRef shape, int64_t fan_in, at::Generator& random) {
  const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
  return at::empty(shape, at::kFloat).uniform_(-bound, bound, random);
}

}  // namespace

Conv2d::Conv2d(int in, int out, int kernel, int stride, at::Generator& random)
    : weight_(DefaultWeight({out, in, kernel, kernel}, int64_t{in} * kernel * kernel, random)),
      stride_(stride),
      padding_(kernel / 2) {}

at::Tensor Conv2d::Forward(const at::Tensor& x) const {
  return at::conv2d(x, weight_, /*bias=*/{}, {stride_, stride_},
                    at::IntArrayRef{padding_, padding_});
}

void Conv2d::Visit(const std::string& prefix, const TensorVisitor& visit) {
  visit(prefix + ".weight", weight_, true);
}

BatchNorm::BatchNorm(int channels)
    : weight_(at::ones({channels})),
      bias_(at::zeros({channels})),
      running_mean_(at::zeros({channels})),
      running_var_(at::ones({channels})) {}

at::Tensor BatchNorm::Forward(const at::Tensor& x, bool training) const {
  return at::batch_norm(x, weight_, bias_, running_mean_, running_var_, training, kNormMomentum,
                        kNormEpsilon,
                        /*cudnn_enabled=*/true);
}

void BatchNorm::Visit(const std::string& prefix, const TensorVisitor& visit) {
  visit(prefix + ".weight", weight_, true);
  visit(prefix + ".bias", bias_, true);
  visit(prefix + ".running_mean", running_mean_, false);
  visit(prefix + ".running_var", running_var_, false);
}

Linear::Linear(int in, int out, at::Generator& random)
    : weight_(DefaultWeight({out, in}, in, random)) {}

at::Tensor Linear::Forward(const at::Tensor& x) const { return at::linear(x, weight_); }

void Linear::Visit(const std::string& prefix, const TensorVisitor& visit) {
  visit(prefix + ".weight", weight_, true);
}

}  // namespace laptime::trainer
