#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "agent/trainer/tensor_visitor.h"

namespace laptime::trainer {

// Images [N,3,S,S] to a row each: features, or scores of classes. Each network is a file of this
// folder, and a row of the table in networks.cc. Weights begin as PyTorch's layers begin by
// default, not as torchvision's models do: what is measured here is time. Not thread-safe.
class Network {
 public:
  virtual ~Network() = default;

  // In training moves the running statistics.
  virtual at::Tensor Forward(const at::Tensor& images, bool training) const = 0;

  // From now on, in training too. Does nothing where there is none.
  virtual void LeaveOutDropout() {}

  // All state, under the names that its reference gives it, behind `prefix` (empty, or with a dot
  // at its end).
  virtual void Visit(const std::string& prefix, const TensorVisitor& visit) = 0;
};

}  // namespace laptime::trainer
