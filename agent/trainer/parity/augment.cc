#include "agent/trainer/augment.h"

#include <ATen/ops/empty.h>

#include "agent/trainer/dataset.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/parity/draw_table.h"
#include "agent/trainer/tensor_data.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {

void Answer(const AugmentOptions& options, EventWriter& lines) {
  const TensorFile file = TensorFile::Read(options.file);
  const at::Tensor images =
      file.Get("images", at::kByte, {kAnySize, kImageSide, kImageSide, kChannels});
  const DrawTable draws = DrawTable::Of(file, images.size(0));
  const at::Tensor planar = images.permute({0, 3, 1, 2}).contiguous();
  at::Tensor views = at::empty(images.sizes(), at::kByte);
  uint8_t view[kImageBytes];
  for (int64_t row = 0; row < images.size(0); ++row) {
    MakeView(DataOf<uint8_t>(planar) + row * kImageBytes, draws.Row(row), view);
    Interleave(view, views.mutable_data_ptr<uint8_t>() + row * kImageBytes);
  }
  WriteTensor(options.output, views);
}

}  // namespace laptime::trainer
