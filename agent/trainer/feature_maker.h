#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "agent/trainer/config.h"
#include "agent/trainer/cuda/graphed_features.h"
#include "agent/trainer/device.h"
#include "agent/trainer/model.h"
#include "agent/trainer/pixels.h"

namespace laptime::trainer {

// Makes what the kNN evaluation compares: the backbone's features in evaluation mode, each row
// scaled to length one, in float. One thread.
class FeatureMaker {
 public:
  // Images a forward pass takes: as many as a training view of the reference's workload has.
  static constexpr int64_t kBatch = 128;

  FeatureMaker(Precision precision, const Device& device);

  // [N,512] from `images`, uint8 [N,3,32,32] on the device, in one pass. Where they were recorded,
  // they are good until the next call.
  at::Tensor OfBatch(const Model& model, const at::Tensor& images) const;

  // The same in passes of kBatch and a smaller last one. `on_pass` hears how many images are done.
  at::Tensor OfAll(const Model& model, const at::Tensor& images,
                   const std::function<void(int done)>& on_pass) const;

  // From now on a batch of this model's with as many images as `example` is one CUDA graph. The
  // model outlives this and stays where it is. Throws c10::Error when it cannot be recorded.
  void Record(const Model& model, const at::Tensor& example, std::unique_ptr<CudaGraph> graph);

 private:
  at::Tensor Make(const Model& model, const at::Tensor& images) const;

  const Precision precision_;
  const Device device_;
  const Normalizer normalize_;
  std::unique_ptr<GraphedFeatures> recorded_;  // of recorded_model_
  const Model* recorded_model_ = nullptr;
};

}  // namespace laptime::trainer
