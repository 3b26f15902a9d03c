#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <string>

#include "agent/trainer/fused_norm.h"
#include "agent/trainer/tensor_visitor.h"

namespace laptime::trainer {

// The layers that the networks are made of, as values around ATen tensors, with PyTorch's default
// initialisation and arithmetic. Not thread-safe: a forward pass in training updates running
// statistics.

// Where a batch norm follows, a bias would have no effect.
enum class Bias { kNone, kTrained };

class Conv2d {
 public:
  Conv2d(int in, int out, int kernel, int stride, at::Generator& random, Bias bias = Bias::kNone);

  at::Tensor Forward(const at::Tensor& x) const;
  void Visit(const std::string& prefix, const TensorVisitor& visit);

 private:
  at::Tensor weight_;
  at::Tensor bias_;  // undefined where there is none
  int stride_;
  int padding_;  // keeps the size at stride 1
};

// Over channels of images or over features of vectors.
class BatchNorm {
 public:
  explicit BatchNorm(int channels);

  // activation(normalised x + residual); an undefined residual adds nothing. In training normalises
  // with the batch's statistics and moves the running ones.
  at::Tensor Forward(const at::Tensor& x, bool training, Activation activation,
                     const at::Tensor& residual = {}) const;
  void Visit(const std::string& prefix, const TensorVisitor& visit);

 private:
  NormState state_;
};

class Linear {
 public:
  Linear(int in, int out, at::Generator& random, Bias bias = Bias::kNone);

  at::Tensor Forward(const at::Tensor& x) const;
  void Visit(const std::string& prefix, const TensorVisitor& visit);

 private:
  at::Tensor weight_;
  at::Tensor bias_;  // undefined where there is none
};

}  // namespace laptime::trainer
