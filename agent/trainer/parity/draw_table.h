#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "agent/trainer/augment.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {

// The draws of many views as tensors, a row each: `crop` int64 [N,4] (top, left, height, width),
// `flip`, `jitter` and `grayscale` bool [N], `order` int64 [N,4], `factors` float64 [N,4]. Not
// thread-safe.
class DrawTable {
 public:
  explicit DrawTable(int64_t rows);

  // The tensors of those names; throws TrainerError (setup) when they are not such, or a row is
  // nothing that could be drawn of a 32x32 image.
  static DrawTable Of(const TensorFile& file, int64_t rows);

  ViewDraw Row(int64_t row) const;
  void SetRow(int64_t row, const ViewDraw& draw);

  NamedTensors Tensors() const;

 private:
  at::Tensor crop_;
  at::Tensor flip_;
  at::Tensor jitter_;
  at::Tensor order_;
  at::Tensor factors_;
  at::Tensor grayscale_;
};

}  // namespace laptime::trainer
