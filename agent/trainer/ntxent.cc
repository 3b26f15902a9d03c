#include "agent/trainer/ntxent.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/mm.h>

#include <limits>

#include "agent/trainer/normalized_rows.h"
#include "agent/trainer/ranks/rank_group.h"

namespace laptime::trainer {

at::Tensor NtXentLoss(const at::Tensor& first, const at::Tensor& second, double temperature,
                      RankGroup* ranks) {
  const int64_t images = first.size(0);
  const at::Tensor rows = NormalizedRows(at::cat({first, second}));
  at::Tensor all = rows;
  int64_t before = 0;  // images of the ranks before this one
  if (ranks != nullptr) {
    all = at::cat({GatherRows(*ranks, rows.narrow(0, 0, images)),
                   GatherRows(*ranks, rows.narrow(0, images, images))});
    before = images * ranks->rank();
  }
  const int64_t all_images = all.size(0) / 2;
  at::Tensor similarities = at::mm(rows, all.t()).div_(temperature);
  // Where each row is among all of them.
  const at::Tensor image = at::arange(before, before + images, rows.options().dtype(at::kLong));
  const at::Tensor self = at::cat({image, image + all_images});
  similarities.scatter_(1, self.unsqueeze(1), -std::numeric_limits<double>::infinity());
  return at::cross_entropy_loss(similarities, at::cat({image + all_images, image}));
}

}  // namespace laptime::trainer
