#include "agent/trainer/normalized_rows.h"

namespace laptime::trainer {
namespace {

constexpr double kNormFloor = 1e-12;

bool SixteenBit(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
}

}  // namespace

at::Tensor NormalizedRows(const at::Tensor& rows) {
  const at::Tensor values = SixteenBit(rows) ? rows.to(at::kFloat) : rows;
  return values.div(values.norm(2, {1}, /*keepdim=*/true).clamp_min(kNormFloor));
}

}  // namespace laptime::trainer
