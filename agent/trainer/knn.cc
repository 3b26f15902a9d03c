#include "agent/trainer/knn.h"

#include <ATen/ops/mm.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>

#include <tuple>

namespace laptime::trainer {

at::Tensor KnnPredict(const at::Tensor& features, const at::Tensor& bank,
                      const at::Tensor& bank_labels, const KnnOptions& options) {
  const at::Tensor similarities = at::mm(features, bank.t());
  auto [similarity, index] =
      at::topk(options.sort_on_host ? similarities.cpu() : similarities, options.neighbours,
               /*dim=*/-1, /*largest=*/true, /*sorted=*/false);
  similarity = similarity.to(bank.device());
  index = index.to(bank.device());
  const at::Tensor labels = bank_labels.index_select(0, index.flatten()).view_as(index);
  const at::Tensor weights = similarity.div(options.temperature).exp_();
  return at::zeros({features.size(0), options.classes}, weights.options())
      .scatter_add_(1, labels, weights)
      .argmax(1);
}

}  // namespace laptime::trainer
