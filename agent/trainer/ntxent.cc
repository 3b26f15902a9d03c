#include "agent/trainer/ntxent.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/mm.h>

#include <limits>

#include "agent/trainer/normalized_rows.h"

namespace laptime::trainer {

at::Tensor NtXentLoss(const at::Tensor& first, const at::Tensor& second, double temperature) {
  const int64_t images = first.size(0);
  const at::Tensor rows = NormalizedRows(at::cat({first, second}));
  at::Tensor similarities = at::mm(rows, rows.t()).div_(temperature);
  similarities.fill_diagonal_(-std::numeric_limits<double>::infinity());
  const at::Tensor partners =
      at::arange(2 * images, rows.options().dtype(at::kLong)).add_(images).remainder_(2 * images);
  return at::cross_entropy_loss(similarities, partners);
}

}  // namespace laptime::trainer
