#pragma once

#include <ATen/core/Tensor.h>

namespace laptime::trainer {

// Rows of [N,D] scaled to length one, a row of zeros left as it is, as PyTorch's
// functional.normalize does it. In their own type; 16-bit ones become float first. Differentiable.
at::Tensor NormalizedRows(const at::Tensor& rows);

}  // namespace laptime::trainer
