#pragma once

#include <array>
#include <optional>
#include <vector>

#include "agent/trainer/layers.h"
#include "agent/trainer/networks/network.h"

namespace laptime::trainer {

// ResNets for ImageNet's images (He et al. 2016) as torchvision's resnet18 and resnet50, whose
// bottlenecks have the stride in the 3x3 convolution: 7x7 stem, max-pool, four stages;
// [N,3,224,224] to [N,1000].
class ResNet : public Network {
 public:
  at::Tensor Forward(const at::Tensor& images, bool training) const override;
  void Visit(const std::string& prefix, const TensorVisitor& visit) override;

 protected:
  enum class Block { kBasic, kBottleneck };
  ResNet(Block block, const std::array<int, 4>& blocks, at::Generator& random);

 private:
  struct Layer {
    Conv2d conv;
    BatchNorm norm;
  };
  struct Residual {
    std::vector<Layer> layers;
    std::optional<Layer> downsample;
  };

  static Residual MakeBlock(Block kind, int in, int width, int stride, at::Generator& random);

  Layer stem_;
  std::array<std::vector<Residual>, 4> stages_;
  Linear scores_;
};

// 11,689,512 parameters, 1.81 G multiply-adds an image.
class ResNet18 : public ResNet {
 public:
  explicit ResNet18(at::Generator& random) : ResNet(Block::kBasic, {2, 2, 2, 2}, random) {}
};

// 25,557,032 parameters, 4.09 G multiply-adds an image.
class ResNet50 : public ResNet {
 public:
  explicit ResNet50(at::Generator& random) : ResNet(Block::kBottleneck, {3, 4, 6, 3}, random) {}
};

}  // namespace laptime::trainer
