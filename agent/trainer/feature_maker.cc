#include "agent/trainer/feature_maker.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <utility>

#include "agent/trainer/networks/resnet18_cifar.h"
#include "agent/trainer/normalized_rows.h"
#include "agent/trainer/precision.h"

namespace laptime::trainer {

FeatureMaker::FeatureMaker(Precision precision, const Device& device)
    : precision_(precision), device_(device), normalize_(device) {}

at::Tensor FeatureMaker::OfBatch(const Model& model, const at::Tensor& images) const {
  const bool as_recorded = &model == recorded_model_ && recorded_->TakesBatch(images);
  return as_recorded ? recorded_->Of(images) : Make(model, images);
}

void FeatureMaker::Record(const Model& model, const at::Tensor& example,
                          std::unique_ptr<CudaGraph> graph) {
  const auto make = [&](const at::Tensor& images) { return Make(model, images); };
  make(example);  // libraries choose their kernels
  recorded_ = std::make_unique<GraphedFeatures>(make, example, std::move(graph));
  recorded_model_ = &model;
}

at::Tensor FeatureMaker::Make(const Model& model, const at::Tensor& images) const {
  const PrecisionScope scope(precision_, device_);
  return NormalizedRows(model.Features(normalize_(images)));
}

at::Tensor FeatureMaker::OfAll(const Model& model, const at::Tensor& images,
                               const std::function<void(int done)>& on_pass) const {
  const int64_t all = images.size(0);
  at::Tensor features =
      at::empty({all, ResNet18Cifar::kFeatures}, at::TensorOptions().device(device_.torch()));
  for (int64_t start = 0; start < all; start += kBatch) {
    const int64_t count = std::min(kBatch, all - start);
    features.narrow(0, start, count).copy_(OfBatch(model, images.narrow(0, start, count)));
    on_pass(static_cast<int>(start + count));
  }
  return features;
}

}  // namespace laptime::trainer
