#include <ATen/ops/tensor.h>

#include <cstddef>

#include "agent/trainer/augment.h"
#include "agent/trainer/loader.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/parity/draw_table.h"
#include "agent/trainer/sampler.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {

void Answer(const DrawsOptions& options, EventWriter& lines) {
  DrawTable draws(int64_t{options.images} * kViews);
  for (int image = 0; image < options.images; ++image) {
    for (size_t view = 0; view < kViews; ++view) {
      const int64_t row = int64_t{image} * kViews + static_cast<int64_t>(view);
      draws.SetRow(row, DrawView(options.seed, options.epoch, image, view));
    }
  }
  NamedTensors tensors = draws.Tensors();
  tensors["shuffle"] =
      at::tensor(ShuffledIndices(options.images, options.seed, options.epoch)).to(at::kLong);
  WriteTensors(options.output, tensors);
}

}  // namespace laptime::trainer
