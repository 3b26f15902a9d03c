#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "agent/trainer/batch_feed.h"
#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/model.h"
#include "agent/trainer/sgd.h"

namespace laptime::trainer {

// One step of SimCLR: two separate forward passes, NT-Xent, backward, SGD. Owns the optimizer's
// state. One thread. `model` must outlive it and stay where it is.
class TrainStep {
 public:
  TrainStep(Model& model, const Workload& workload, const Device& device);

  // Returns the loss, a scalar on the device. Leaves `clock` in kOther.
  at::Tensor Run(const BatchFeed::Views& views, double learning_rate, LapClock& clock);

  // Every tensor a step changes: parameters, running statistics, momentum.
  std::vector<at::Tensor> State();

 private:
  Model& model_;
  const Precision precision_;
  const double temperature_;
  const Device device_;
  Sgd sgd_;
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
