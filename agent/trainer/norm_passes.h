#pragma once

#include <ATen/core/Tensor.h>

namespace laptime::trainer {

// What a batch norm holds; all [C].
struct NormState {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor running_mean;
  at::Tensor running_var;
};

inline constexpr double kNormMomentum = 0.1;
inline constexpr double kNormEpsilon = 1e-5;

// The arithmetic of FusedNorm, which says what it computes (fused_norm.h): no autograd. Values are
// [N,C] or channels-last [N,C,H,W], float64, float32 or bfloat16; state and statistics are of the
// same type, for bfloat16 of float32, in which all is computed then.

// Of one batch, [C]. The deviation's square has epsilon in it.
struct NormStatistics {
  at::Tensor mean;
  at::Tensor inverse_deviation;
};

struct NormResult {
  at::Tensor y;
  NormStatistics statistics;
};

// Moves the running statistics of `state`. `residual` may be undefined.
NormResult NormForward(const at::Tensor& x, const at::Tensor& residual, const NormState& state,
                       bool relu);

// What the backward pass needs of the forward pass.
struct NormSaved {
  at::Tensor x;
  at::Tensor y;  // undefined without ReLU
  at::Tensor weight;
  NormStatistics statistics;
  bool has_residual;
};

struct NormGradients {
  at::Tensor x;
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor residual;  // undefined where there was none
};

// `dy` lies as x does.
NormGradients NormBackward(const at::Tensor& dy, const NormSaved& saved);

}  // namespace laptime::trainer
