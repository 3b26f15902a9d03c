#include "agent/trainer/sgd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>

#include <optional>
#include <utility>

namespace laptime::trainer {
namespace {

// The fused kernel walks memory, so a gradient must lie as its parameter does. Autograd sees to
// that; a size-one dimension may still be told with another stride, which is no difference in
// memory.
at::Tensor LaidOutAs(const at::Tensor& parameter, const at::Tensor& gradient) {
  for (int64_t dim = 0; dim < parameter.dim(); ++dim) {
    if (parameter.size(dim) > 1 && parameter.stride(dim) != gradient.stride(dim)) {
      return at::empty_like(parameter).copy_(gradient);
    }
  }
  return gradient;
}

}  // namespace

Sgd::Sgd(std::vector<at::Tensor> parameters, double momentum, double weight_decay)
    : momentum_(momentum), weight_decay_(weight_decay), parameters_(std::move(parameters)) {
  // The kernel wants no buffers where there is no momentum.
  if (momentum_ == 0) return;
  const at::NoGradGuard no_grad;
  for (const at::Tensor& parameter : parameters_)
    momentum_buffers_.push_back(at::zeros_like(parameter));
}

void Sgd::Step(const Rate& learning_rate, GradScaler* scaler) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> gradients;
  gradients.reserve(parameters_.size());
  for (const at::Tensor& parameter : parameters_)
    gradients.push_back(LaidOutAs(parameter, parameter.grad()));
  std::optional<at::Tensor> found_infinite;
  if (scaler != nullptr) found_infinite = scaler->Unscale(gradients);
  std::visit(
      [&](const auto& rate) {
        at::_fused_sgd_(parameters_, gradients, momentum_buffers_, weight_decay_, momentum_, rate,
                        /*dampening=*/0, /*nesterov=*/false, /*maximize=*/false,
                        /*is_first_step=*/false, /*grad_scale=*/std::nullopt, found_infinite);
      },
      learning_rate);
  if (scaler != nullptr) scaler->Update(*found_infinite);
  DropGradients();
}

void Sgd::DropGradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

}  // namespace laptime::trainer
