#include "agent/trainer/simclr_head.h"

#include "agent/trainer/networks/resnet18_cifar.h"

namespace laptime::trainer {
namespace {

constexpr int kHidden = 512;
constexpr int kOutput = 128;

}  // namespace

SimClrHead::SimClrHead(at::Generator& random)
    : hidden_(ResNet18Cifar::kFeatures, kHidden, random),
      hidden_norm_(kHidden),
      out_(kHidden, kOutput, random),
      out_norm_(kOutput) {}

at::Tensor SimClrHead::Forward(const at::Tensor& features, bool training) const {
  const at::Tensor hidden =
      hidden_norm_.Forward(hidden_.Forward(features), training, Activation::kRelu);
  return out_norm_.Forward(out_.Forward(hidden), training, Activation::kNone);
}

void SimClrHead::Visit(const std::string& prefix, const TensorVisitor& visit) {
  hidden_.Visit(prefix + ".layers.0", visit);
  hidden_norm_.Visit(prefix + ".layers.1", visit);
  out_.Visit(prefix + ".layers.3", visit);
  out_norm_.Visit(prefix + ".layers.4", visit);
}

}  // namespace laptime::trainer
