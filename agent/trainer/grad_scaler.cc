#include "agent/trainer/grad_scaler.h"

#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

namespace laptime::trainer {
namespace {

constexpr double kFirstScale = 65536;
constexpr double kGrowth = 2;
constexpr double kBackoff = 0.5;
constexpr int kGrowthInterval = 2000;

}  // namespace

GradScaler::GradScaler(at::Device device)
    : scale_(at::full({1}, kFirstScale, at::TensorOptions(device).dtype(at::kFloat))),
      good_steps_(at::zeros({1}, at::TensorOptions(device).dtype(at::kInt))) {}

at::Tensor GradScaler::Unscale(std::vector<at::Tensor>& gradients) {
  at::Tensor found_infinite = at::zeros({1}, scale_.options());
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found_infinite, scale_.reciprocal());
  return found_infinite;
}

void GradScaler::Update(const at::Tensor& found_infinite) {
  at::_amp_update_scale_(scale_, good_steps_, found_infinite, kGrowth, kBackoff, kGrowthInterval);
}

}  // namespace laptime::trainer
