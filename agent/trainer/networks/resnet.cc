#include "agent/trainer/networks/resnet.h"

#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/max_pool2d.h>

#include "agent/trainer/dataset.h"

namespace laptime::trainer {
namespace {

constexpr int kStemChannels = 64;
constexpr std::array<int, 4> kWidths = {64, 128, 256, 512};
constexpr int kExpansion = 4;  // of a bottleneck

}  // namespace

ResNet::ResNet(Block block, const std::array<int, 4>& blocks, at::Generator& random)
    : stem_{Conv2d(/*in=*/3, kStemChannels, /*kernel=*/7, /*stride=*/2, random),
            BatchNorm(kStemChannels)},
      scores_(kWidths.back() * (block == Block::kBottleneck ? kExpansion : 1), kClassesOfImageNet,
              random, Bias::kTrained) {
  int in = kStemChannels;
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    for (int i = 0; i < blocks[stage]; ++i) {
      const int stride = i == 0 && stage > 0 ? 2 : 1;
      stages_[stage].push_back(MakeBlock(block, in, kWidths[stage], stride, random));
      in = kWidths[stage] * (block == Block::kBottleneck ? kExpansion : 1);
    }
  }
}

ResNet::Residual ResNet::MakeBlock(Block kind, int in, int width, int stride,
                                   at::Generator& random) {
  const auto layer = [&](int from, int to, int kernel, int by) {
    return Layer{Conv2d(from, to, kernel, by, random), BatchNorm(to)};
  };
  Residual block;
  int out = width;
  if (kind == Block::kBasic) {
    block.layers = {layer(in, width, 3, stride), layer(width, width, 3, 1)};
  } else {
    out = width * kExpansion;
    block.layers = {layer(in, width, 1, 1), layer(width, width, 3, stride),
                    layer(width, out, 1, 1)};
  }
  if (stride != 1 || in != out) block.downsample = layer(in, out, 1, stride);
  return block;
}

at::Tensor ResNet::Forward(const at::Tensor& images, bool training) const {
  at::Tensor x = stem_.norm.Forward(stem_.conv.Forward(images), training, Activation::kRelu);
  x = at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});
  for (const auto& stage : stages_) {
    for (const Residual& block : stage) {
      at::Tensor y = x;
      for (size_t i = 0; i + 1 < block.layers.size(); ++i) {
        y = block.layers[i].norm.Forward(block.layers[i].conv.Forward(y), training,
                                         Activation::kRelu);
      }
      const at::Tensor residual =
          block.downsample ? block.downsample->norm.Forward(block.downsample->conv.Forward(x),
                                                            training, Activation::kNone)
                           : x;
      const Layer& last = block.layers.back();
      x = last.norm.Forward(last.conv.Forward(y), training, Activation::kRelu, residual);
    }
  }
  return scores_.Forward(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
}

void ResNet::Visit(const std::string& prefix, const TensorVisitor& visit) {
  const auto visit_layer = [&](Layer& layer, const std::string& conv, const std::string& norm) {
    layer.conv.Visit(conv, visit);
    layer.norm.Visit(norm, visit);
  };
  visit_layer(stem_, prefix + "conv1", prefix + "bn1");
  for (size_t stage = 0; stage < stages_.size(); ++stage) {
    for (size_t i = 0; i < stages_[stage].size(); ++i) {
      Residual& block = stages_[stage][i];
      const std::string name =
          prefix + "layer" + std::to_string(stage + 1) + "." + std::to_string(i);
      for (size_t layer = 0; layer < block.layers.size(); ++layer) {
        const std::string number = std::to_string(layer + 1);
        visit_layer(block.layers[layer], name + ".conv" + number, name + ".bn" + number);
      }
      if (block.downsample)
        visit_layer(*block.downsample, name + ".downsample.0", name + ".downsample.1");
    }
  }
  scores_.Visit(prefix + "fc", visit);
}

}  // namespace laptime::trainer
