#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/layers.h"
#include "agent/trainer/networks/network.h"

namespace laptime::trainer {

// conv3x3-BN-ReLU-conv3x3-BN, plus the input (or a 1x1 convolution of it where the shape changes),
// ReLU.
class BasicBlock {
 public:
  BasicBlock(int in, int out, int stride, at::Generator& random);

  at::Tensor Forward(const at::Tensor& x, bool training) const;
  void Visit(const std::string& prefix, const TensorVisitor& visit);

 private:
  struct Shortcut {
    Conv2d conv;
    BatchNorm norm;
  };

  Conv2d conv1_;
  BatchNorm norm1_;
  Conv2d conv2_;
  BatchNorm norm2_;
  std::optional<Shortcut> shortcut_;
};

// ResNet-18 for 32x32 images as lightly builds it for CIFAR-10: 3x3 stem at stride 1, neither
// max-pool nor ReLU after it; [N,3,32,32] to [N,512].
class ResNet18Cifar : public Network {
 public:
  static constexpr int kFeatures = 512;

  explicit ResNet18Cifar(at::Generator& random);

  at::Tensor Forward(const at::Tensor& images, bool training) const override;
  void Visit(const std::string& prefix, const TensorVisitor& visit) override;

 private:
  Conv2d stem_;
  BatchNorm stem_norm_;
  std::vector<BasicBlock> blocks_;
};

}  // namespace laptime::trainer
