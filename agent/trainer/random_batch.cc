#include "agent/trainer/random_batch.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "agent/trainer/config.h"
#include "agent/trainer/loader.h"

namespace laptime::trainer {

TrainBatch RandomBatch(const Model& model, int64_t images, const Device& device) {
  at::Generator random = at::detail::createCPUGenerator();
  TrainBatch batch;
  for (int view = 0; view < (model.simclr() ? kViews : 1); ++view) {
    batch.images.push_back(
        at::randn({images, kChannels, model.image_side(), model.image_side()}, random)
            .to(device.torch())
            .contiguous(device.memory_format()));
  }
  if (!model.simclr())
    batch.labels = at::zeros({images}, at::TensorOptions(device.torch()).dtype(at::kLong));
  return batch;
}

}  // namespace laptime::trainer
