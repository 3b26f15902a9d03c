#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "agent/trainer/cuda/cuda_module.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/train_batch.h"
#include "agent/trainer/train_step.h"

namespace laptime::trainer {

// A training step as one CUDA graph: the host gives it to the device in one call instead of some
// hundred. The kernels are the same, but for the learning rate's, which here is rounded to float32.
// One thread. `step` and all that it changes must outlive it and stay where they are.
class GraphedStep {
 public:
  // Records the step for batches like `example`. A few steps must have run before, so that cuDNN's
  // choices are made; nothing is trained by it. Throws c10::Error when it cannot be recorded.
  GraphedStep(TrainStep& step, const TrainBatch& example, std::unique_ptr<CudaGraph> graph);

  // Trains as TrainStep::Run does. Leaves `clock` in kOther: within a graph there are no phases.
  // The loss is overwritten by the next step on the same stream.
  at::Tensor Run(const TrainBatch& batch, double learning_rate, LapClock& clock);

 private:
  TrainBatch batch_;  // where the graph reads
  at::Tensor learning_rate_;
  double learning_rate_there_ = 0;
  at::Tensor loss_;
  std::unique_ptr<CudaGraph> graph_;
};

}  // namespace laptime::trainer
