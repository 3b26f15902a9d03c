#include "agent/trainer/train_step.h"

#include <ATen/core/grad_mode.h>

#include "agent/trainer/ntxent.h"
#include "agent/trainer/precision.h"

namespace laptime::trainer {

TrainStep::TrainStep(Model& model, const Workload& workload, const Device& device)
    : model_(model),
      precision_(workload.precision),
      temperature_(workload.temperature),
      device_(device),
      sgd_(model.Parameters(), workload.momentum, workload.weight_decay) {}

at::Tensor TrainStep::Run(const BatchFeed::Views& views, double learning_rate, LapClock& clock) {
  clock.Enter(Phase::kForward);
  BatchFeed::Views embeddings;
  {
    const PrecisionScope scope(precision_, device_);
    for (size_t view = 0; view < kViews; ++view) embeddings[view] = model_.Embed(views[view]);
  }
  clock.Enter(Phase::kLoss);
  const at::Tensor loss = NtXentLoss(embeddings[0], embeddings[1], temperature_);
  clock.Enter(Phase::kBackward);
  loss.backward();
  clock.Enter(Phase::kOptimizer);
  sgd_.Step(learning_rate);
  clock.Enter(Phase::kOther);
  return loss.detach();
}

std::vector<at::Tensor> TrainStep::State() {
  std::vector<at::Tensor> state = sgd_.momentum_buffers();
  model_.Visit(
      [&](const std::string&, at::Tensor& tensor, bool) { state.push_back(tensor.detach()); });
  return state;
}

StateKeeper::StateKeeper(TrainStep& step) : state_(step.State()) {
  for (const at::Tensor& tensor : state_) copies_.push_back(tensor.clone());
}

StateKeeper::~StateKeeper() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < state_.size(); ++i) state_[i].copy_(copies_[i]);
}

}  // namespace laptime::trainer
