#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/model.h"
#include "agent/trainer/ranks/gradient_averager.h"
#include "agent/trainer/sgd.h"
#include "agent/trainer/train_batch.h"

namespace laptime::trainer {

// One step: forward and loss, backward, SGD. SimCLR makes a forward pass of each view, separately,
// and NT-Xent of both; a classifier one pass and cross-entropy with the labels. Owns the
// optimizer's state. One thread. `model` must outlive it and stay where it is.
class TrainStep {
 public:
  // `ranks`, where several train together, must outlive it too.
  TrainStep(Model& model, const Workload& workload, const Device& device,
            RankGroup* ranks = nullptr);

  // Returns the loss, a scalar on the device. Leaves `clock` in kOther.
  at::Tensor Run(const TrainBatch& batch, const Rate& learning_rate, LapClock& clock);

  // The step's loss, with what its backward pass needs. Leaves `clock` in kLoss.
  at::Tensor Loss(const TrainBatch& batch, LapClock& clock) const;

  // What a step that was broken off left behind.
  void DropGradients() { sgd_.DropGradients(); }

  // The running statistics, which each rank has its own of.
  std::vector<at::Tensor> Buffers();

  // Every tensor a step changes: parameters, running statistics, momentum, fp16's scale.
  std::vector<at::Tensor> State();

 private:
  // Both enter kForward, then kLoss.
  at::Tensor ContrastiveLoss(const TrainBatch& batch, LapClock& clock) const;
  at::Tensor ClassificationLoss(const TrainBatch& batch, LapClock& clock) const;

  Model& model_;
  const Precision precision_;
  const double temperature_;
  RankGroup* const gathered_;  // whose negatives count too; may be nullptr
  const Device device_;
  Sgd sgd_;
  std::optional<GradScaler> scaler_;            // of fp16
  std::unique_ptr<GradientAverager> averager_;  // nullptr with one rank
};

// The state of a step, copied; puts it back bit by bit when destroyed.
class StateKeeper {
 public:
  explicit StateKeeper(TrainStep& step);
  ~StateKeeper();

  StateKeeper(const StateKeeper&) = delete;
  StateKeeper& operator=(const StateKeeper&) = delete;

 private:
  std::vector<at::Tensor> state_;
  std::vector<at::Tensor> copies_;
};

}  // namespace laptime::trainer
