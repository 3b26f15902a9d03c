#include "agent/trainer/networks/resnet18_cifar.h"

#include <ATen/ops/adaptive_avg_pool2d.h>

#include <array>

namespace laptime::trainer {
namespace {

constexpr int kStemChannels = 64;
constexpr std::array<int, 4> kStageChannels = {64, 128, 256, 512};
constexpr int kBlocksPerStage = 2;

}  // namespace

BasicBlock::BasicBlock(int in, int out, int stride, at::Generator& random)
    : conv1_(in, out, /*kernel=*/3, stride, random),
      norm1_(out),
      conv2_(out, out, /*kernel=*/3, /*stride=*/1, random),
      norm2_(out) {
  if (stride != 1 || in != out)
    shortcut_ = Shortcut{Conv2d(in, out, /*kernel=*/1, stride, random), BatchNorm(out)};
}

at::Tensor BasicBlock::Forward(const at::Tensor& x, bool training) const {
  const at::Tensor inner = norm1_.Forward(conv1_.Forward(x), training, Activation::kRelu);
  const at::Tensor residual =
      shortcut_.has_value()
          ? shortcut_->norm.Forward(shortcut_->conv.Forward(x), training, Activation::kNone)
          : x;
  return norm2_.Forward(conv2_.Forward(inner), training, Activation::kRelu, residual);
}

void BasicBlock::Visit(const std::string& prefix, const TensorVisitor& visit) {
  conv1_.Visit(prefix + ".conv1", visit);
  norm1_.Visit(prefix + ".bn1", visit);
  conv2_.Visit(prefix + ".conv2", visit);
  norm2_.Visit(prefix + ".bn2", visit);
  if (!shortcut_.has_value()) return;
  shortcut_->conv.Visit(prefix + ".shortcut.0", visit);
  shortcut_->norm.Visit(prefix + ".shortcut.1", visit);
}

ResNet18Cifar::ResNet18Cifar(at::Generator& random)
    : stem_(/*in=*/3, kStemChannels, /*kernel=*/3, /*stride=*/1, random),
      stem_norm_(kStemChannels) {
  int in = kStemChannels;
  for (int out : kStageChannels) {
    for (int block = 0; block < kBlocksPerStage; ++block) {
      const bool halves = block == 0 && out != kStageChannels.front();
      blocks_.emplace_back(in, out, halves ? 2 : 1, random);
      in = out;
    }
  }
}

at::Tensor ResNet18Cifar::Forward(const at::Tensor& images, bool training) const {
  // No ReLU here: the reference's Sequential never runs the functional one.
  at::Tensor y = stem_norm_.Forward(stem_.Forward(images), training, Activation::kNone);
  for (const BasicBlock& block : blocks_) y = block.Forward(y, training);
  return at::adaptive_avg_pool2d(y, {1, 1}).flatten(1);
}

void ResNet18Cifar::Visit(const std::string& prefix, const TensorVisitor& visit) {
  constexpr int kFirstStage =
      2;  // the reference's Sequential: 0 stem, 1 its norm, 2 … 5 the stages
  stem_.Visit(prefix + "0", visit);
  stem_norm_.Visit(prefix + "1", visit);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    const size_t stage = kFirstStage + i / kBlocksPerStage;
    blocks_[i].Visit(prefix + std::to_string(stage) + "." + std::to_string(i % kBlocksPerStage),
                     visit);
  }
}

}  // namespace laptime::trainer
