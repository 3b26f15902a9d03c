#include "agent/trainer/train_step.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <array>

#include "agent/trainer/ntxent.h"
#include "agent/trainer/precision.h"

namespace laptime::trainer {

TrainStep::TrainStep(Model& model, const Workload& workload, const Device& device, RankGroup* ranks)
    : model_(model),
      precision_(workload.precision),
      temperature_(workload.temperature),
      gathered_(workload.gather_negatives ? ranks : nullptr),
      device_(device),
      sgd_(model.Parameters(), workload.momentum, workload.weight_decay),
      averager_(ranks == nullptr ? nullptr
                                 : std::make_unique<GradientAverager>(*ranks, model.Parameters())) {
  if (precision_ == Precision::kFp16) scaler_.emplace(device.torch());
}

at::Tensor TrainStep::Run(const TrainBatch& batch, const Rate& learning_rate, LapClock& clock) {
  const at::Tensor loss = Loss(batch, clock);
  clock.Enter(Phase::kBackward);
  (scaler_ ? scaler_->Scaled(loss) : loss).backward();
  if (averager_ != nullptr) averager_->Finish();
  clock.Enter(Phase::kOptimizer);
  sgd_.Step(learning_rate, scaler_ ? &*scaler_ : nullptr);
  clock.Enter(Phase::kOther);
  return loss.detach();
}

at::Tensor TrainStep::Loss(const TrainBatch& batch, LapClock& clock) const {
  return model_.simclr() ? ContrastiveLoss(batch, clock) : ClassificationLoss(batch, clock);
}

at::Tensor TrainStep::ContrastiveLoss(const TrainBatch& batch, LapClock& clock) const {
  clock.Enter(Phase::kForward);
  std::array<at::Tensor, kViews> embeddings;
  {
    const PrecisionScope scope(precision_, device_);
    for (size_t view = 0; view < kViews; ++view)
      embeddings[view] = model_.Embed(batch.images[view]);
  }
  clock.Enter(Phase::kLoss);
  return NtXentLoss(embeddings[0], embeddings[1], temperature_, gathered_);
}

at::Tensor TrainStep::ClassificationLoss(const TrainBatch& batch, LapClock& clock) const {
  clock.Enter(Phase::kForward);
  at::Tensor scores;
  {
    const PrecisionScope scope(precision_, device_);
    scores = model_.Scores(batch.images[0]);
  }
  clock.Enter(Phase::kLoss);
  return at::cross_entropy_loss(scores.to(c10::promoteTypes(scores.scalar_type(), at::kFloat)),
                                batch.labels);
}

std::vector<at::Tensor> TrainStep::State() {
  std::vector<at::Tensor> state = sgd_.momentum_buffers();
  model_.Visit(
      [&](const std::string&, at::Tensor& tensor, bool) { state.push_back(tensor.detach()); });
  if (scaler_) {
    for (const at::Tensor& tensor : scaler_->State()) state.push_back(tensor);
  }
  return state;
}

std::vector<at::Tensor> TrainStep::Buffers() {
  std::vector<at::Tensor> buffers;
  model_.Visit([&](const std::string&, at::Tensor& tensor, bool trainable) {
    if (!trainable) buffers.push_back(tensor);
  });
  return buffers;
}

StateKeeper::StateKeeper(TrainStep& step) : state_(step.State()) {
  for (const at::Tensor& tensor : state_) copies_.push_back(tensor.clone());
}

StateKeeper::~StateKeeper() {
  const at::NoGradGuard no_grad;
  for (size_t i = 0; i < state_.size(); ++i) state_[i].copy_(copies_[i]);
}

}  // namespace laptime::trainer
