#include "agent/trainer/ntxent.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/mm.h>

#include <limits>

namespace laptime::trainer {
namespace {

constexpr double kNormFloor = 1e-12;

at::Tensor Normalized(const at::Tensor& rows) {
  return rows.div(rows.norm(2, {1}, /*keepdim=*/true).clamp_min(kNormFloor));
}

bool SixteenBit(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
}

}  // namespace

at::Tensor NtXentLoss(const at::Tensor& first, const at::Tensor& second, double temperature) {
  const int64_t images = first.size(0);
  at::Tensor rows = at::cat({first, second});
  if (SixteenBit(rows)) rows = rows.to(at::kFloat);
  rows = Normalized(rows);
  at::Tensor similarities = at::mm(rows, rows.t()).div_(temperature);
  similarities.fill_diagonal_(-std::numeric_limits<double>::infinity());
  const at::Tensor partners =
      at::arange(2 * images, rows.options().dtype(at::kLong)).add_(images).remainder_(2 * images);
  return at::cross_entropy_loss(similarities, partners);
}

}  // namespace laptime::trainer
