#pragma once

#include <ATen/core/Tensor.h>

namespace laptime::trainer {

class RankGroup;

// NT-Xent, SimCLR's loss, of the two views' embeddings [N,D] each: rows are L2-normalised, each of
// the 2N rows must find its other view among the 2N-1 rows that are not itself, mean cross-entropy
// of the similarities divided by `temperature`. Computed in the embeddings' type, 16-bit ones in
// float. A scalar on their device.
//
// With `ranks` the negatives of all ranks count: this rank's rows must find their other views among
// the rows of all. The mean of the ranks' losses is then the loss of the whole batch.
at::Tensor NtXentLoss(const at::Tensor& first, const at::Tensor& second, double temperature,
                      RankGroup* ranks = nullptr);

}  // namespace laptime::trainer
