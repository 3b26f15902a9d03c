#pragma once

#include <ATen/core/Tensor.h>

#include <functional>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/model.h"
#include "agent/trainer/pixels.h"

namespace laptime::trainer {

// Makes what the kNN evaluation compares: the backbone's features in evaluation mode, each row
// scaled to length one, in float. Immutable.
class FeatureMaker {
 public:
  // Images a forward pass takes: as many as a training view of the reference's workload has.
  static constexpr int64_t kBatch = 128;

  FeatureMaker(Precision precision, const Device& device);

  // [N,512] from `images`, uint8 [N,3,32,32] on the device, in one pass.
  at::Tensor OfBatch(const Model& model, const at::Tensor& images) const;

  // The same in passes of kBatch and a smaller last one. `on_pass` hears how many images are done.
  at::Tensor OfAll(const Model& model, const at::Tensor& images,
                   const std::function<void(int done)>& on_pass) const;

 private:
  const Precision precision_;
  const Device device_;
  const Normalizer normalize_;
};

}  // namespace laptime::trainer
