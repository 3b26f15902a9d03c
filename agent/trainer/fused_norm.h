#pragma once

#include <ATen/core/Tensor.h>

#include "agent/trainer/norm_passes.h"

namespace laptime::trainer {

enum class Activation { kNone, kRelu };

// Whether FusedNorm can take `x`: on a CPU, float32, float64 or bfloat16, with the state's type as
// norm_passes.h says, vectors [N,C] or images [N,C,H,W] that lie channels-last. False where the
// compiler has no OpenMP.
bool CanFuseNorm(const at::Tensor& x, const NormState& state);

// activation(batch_norm(x) + residual) in training, as PyTorch's batch_norm, add and relu after
// each other would make it, in two passes over memory forward (statistics, result) and two
// backward. Differentiable once in x, weight, bias and residual; moves the running statistics
// (variance with n - 1 below). `residual` may be undefined, else it is of x's shape and type.
// Throws c10::Error on one value per channel, which has no variance.
//
// Sums over images and places are taken over 64 rows in x's own type (bfloat16: in float32) and
// from there in float64, so the error is at most about twice that of PyTorch's plain layout; its
// channels-last kernel sums in float32. The way sums are cut does not depend on the number of
// threads: results are equal to the last bit.
at::Tensor FusedNorm(const at::Tensor& x, const NormState& state, Activation activation,
                     const at::Tensor& residual);

}  // namespace laptime::trainer
