#include "agent/trainer/cuda/graphed_features.h"

#include <utility>

namespace laptime::trainer {

GraphedFeatures::GraphedFeatures(const std::function<at::Tensor(const at::Tensor&)>& make,
                                 const at::Tensor& example, std::unique_ptr<CudaGraph> graph)
    : images_(example.clone()), graph_(std::move(graph)) {
  graph_->Record([&] { features_ = make(images_); });
}

at::Tensor GraphedFeatures::Of(const at::Tensor& images) {
  images_.copy_(images);
  graph_->Replay();
  return features_;
}

}  // namespace laptime::trainer
