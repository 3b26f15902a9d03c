#pragma once

#include <ATen/core/Tensor.h>

#include <variant>
#include <vector>

#include "agent/trainer/grad_scaler.h"

namespace laptime::trainer {

// A number, or a scalar float tensor on the device, which a graph reads anew at each replay.
using Rate = std::variant<double, at::Tensor>;

// SGD with momentum and weight decay on all parameters, without Nesterov: torch.optim.SGD to the
// last bit where the rate is a number, one fused kernel for all tensors. Not thread-safe.
class Sgd {
 public:
  Sgd(std::vector<at::Tensor> parameters, double momentum, double weight_decay);

  // Applies the gradients and drops them.
  // With `scaler` they are scaled, and not applied when one is not finite.
  void Step(const Rate& learning_rate, GradScaler* scaler = nullptr);

  // So that the next backward pass stores instead of adding.
  void DropGradients();

  // None without momentum. Zero before the first step: then momentum times zero plus the gradient
  // is what torch.optim.SGD starts with.
  std::vector<at::Tensor>& momentum_buffers() { return momentum_buffers_; }

 private:
  const double momentum_;
  const double weight_decay_;
  std::vector<at::Tensor> parameters_;
  std::vector<at::Tensor> momentum_buffers_;
};

}  // namespace laptime::trainer
