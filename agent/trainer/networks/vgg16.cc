#include "agent/trainer/networks/vgg16.h"

#include <ATen/ops/dropout.h>
#include <ATen/ops/max_pool2d.h>

#include <array>

#include "agent/trainer/dataset.h"

namespace laptime::trainer {
namespace {

struct Stage {
  int convolutions;
  int channels;
};

constexpr std::array<Stage, 5> kStages = {{{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}}};
constexpr int kLastSide = 7;  // five halvings of 224
constexpr int kHidden = 4096;

}  // namespace

Vgg16::Vgg16(at::Generator& random)
    : first_(kStages.back().channels * kLastSide * kLastSide, kHidden, random, Bias::kTrained),
      second_(kHidden, kHidden, random, Bias::kTrained),
      scores_(kHidden, kClassesOfImageNet, random, Bias::kTrained) {
  int in = 3;
  int number = 0;
  for (const Stage& stage : kStages) {
    for (int i = 1; i <= stage.convolutions; ++i) {
      const bool pooled = i == stage.convolutions;
      features_.push_back(
          {number, Conv2d(in, stage.channels, 3, 1, random, Bias::kTrained), pooled});
      number += pooled ? 3 : 2;
      in = stage.channels;
    }
  }
}

at::Tensor Vgg16::Forward(const at::Tensor& images, bool training) const {
  at::Tensor x = images;
  for (const Numbered& layer : features_) {
    x = layer.conv.Forward(x).relu_();
    if (layer.pooled) x = at::max_pool2d(x, {2, 2}, {2, 2});
  }
  x = first_.Forward(x.flatten(1)).relu_();
  x = second_.Forward(at::dropout(x, dropout_, training)).relu_();
  return scores_.Forward(at::dropout(x, dropout_, training));
}

void Vgg16::Visit(const std::string& prefix, const TensorVisitor& visit) {
  for (Numbered& layer : features_)
    layer.conv.Visit(prefix + "features." + std::to_string(layer.number), visit);
  first_.Visit(prefix + "classifier.0", visit);
  second_.Visit(prefix + "classifier.3", visit);
  scores_.Visit(prefix + "classifier.6", visit);
}

}  // namespace laptime::trainer
