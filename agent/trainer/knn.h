#pragma once

#include <ATen/core/Tensor.h>

namespace laptime::trainer {

struct KnnOptions {
  int neighbours = 200;
  double temperature = 0.1;
  int classes = 10;
  bool sort_on_host = false;  // where the device's top-k is slower than the way there and back
};

// The weighted k-nearest-neighbour vote of lightly's knn_predict: for each row of `features` [T,D]
// the most similar rows of `bank` [M,D] vote for their label (`bank_labels` int64 [M]) with
// exp(similarity / temperature). Both feature sets are L2-normalised. Returns the winning class of
// each row, int64 [T]. Needs T×M floats.
at::Tensor KnnPredict(const at::Tensor& features, const at::Tensor& bank,
                      const at::Tensor& bank_labels, const KnnOptions& options);

}  // namespace laptime::trainer
