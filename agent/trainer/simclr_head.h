#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <string>

#include "agent/trainer/layers.h"

namespace laptime::trainer {

// SimCLR's projection as lightly builds it: Linear-BN-ReLU-Linear-BN without biases, 512 to 512 to
// 128.
class SimClrHead {
 public:
  explicit SimClrHead(at::Generator& random);

  at::Tensor Forward(const at::Tensor& features, bool training) const;
  void Visit(const std::string& prefix, const TensorVisitor& visit);

 private:
  Linear hidden_;
  BatchNorm hidden_norm_;
  Linear out_;
  BatchNorm out_norm_;
};

}  // namespace laptime::trainer
