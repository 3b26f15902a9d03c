#include "agent/trainer/cuda/graphed_step.h"

#include <ATen/ops/zeros.h>

#include <utility>

namespace laptime::trainer {

GraphedStep::GraphedStep(TrainStep& step, const TrainBatch& example,
                         std::unique_ptr<CudaGraph> graph)
    : learning_rate_(at::zeros({}, example.images[0].options().dtype(at::kFloat))),
      graph_(std::move(graph)) {
  for (const at::Tensor& images : example.images) batch_.images.push_back(images.clone());
  if (example.labels.defined()) batch_.labels = example.labels.clone();
  graph_->Record([&] {
    LapClock clock;
    loss_ = step.Run(batch_, learning_rate_, clock);
  });
}

at::Tensor GraphedStep::Run(const TrainBatch& batch, double learning_rate, LapClock& clock) {
  for (size_t i = 0; i < batch_.images.size(); ++i) batch_.images[i].copy_(batch.images[i]);
  if (batch_.labels.defined()) batch_.labels.copy_(batch.labels);
  if (learning_rate != learning_rate_there_) learning_rate_.fill_(learning_rate);
  learning_rate_there_ = learning_rate;
  clock.Enter(Phase::kForward);
  graph_->Replay();
  clock.Enter(Phase::kOther);
  return loss_;
}

}  // namespace laptime::trainer
