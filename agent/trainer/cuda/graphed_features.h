#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "agent/trainer/cuda/cuda_module.h"

namespace laptime::trainer {

// The features of a batch as one CUDA graph, as GraphedStep is of a training step. One thread.
class GraphedFeatures {
 public:
  // Records `make`, which has been called before, for batches like `example`. What `make` reads
  // must stay where it is. Throws c10::Error when it cannot be recorded.
  GraphedFeatures(const std::function<at::Tensor(const at::Tensor& images)>& make,
                  const at::Tensor& example, std::unique_ptr<CudaGraph> graph);

  bool TakesBatch(const at::Tensor& images) const { return images.sizes() == images_.sizes(); }

  // Overwritten by the next call on the same stream.
  at::Tensor Of(const at::Tensor& images);

 private:
  at::Tensor images_;  // where the graph reads
  at::Tensor features_;
  std::unique_ptr<CudaGraph> graph_;
};

}  // namespace laptime::trainer
