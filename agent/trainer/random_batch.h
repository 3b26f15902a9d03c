#pragma once

#include <cstdint>

#include "agent/trainer/device.h"
#include "agent/trainer/model.h"
#include "agent/trainer/train_batch.h"

namespace laptime::trainer {

// A batch of `images` images of noise for `model`, always the same, on `device`: for measuring,
// where no data is wanted. Both views differ; all labels are 0.
TrainBatch RandomBatch(const Model& model, int64_t images, const Device& device);

}  // namespace laptime::trainer
