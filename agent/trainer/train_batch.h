#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "agent/trainer/lap_clock.h"

namespace laptime::trainer {

// What one step is trained on, on the device.
struct TrainBatch {
  std::vector<at::Tensor> images;  // normalised [N,3,S,S]; SimCLR: the two views of the same images
  at::Tensor labels;               // int64 [N] of a classifier; else undefined
};

// Where batches come from. One thread.
class Feed {
 public:
  virtual ~Feed() = default;

  // Begins an epoch of `steps` batches. All of the epoch before must have been taken.
  virtual void StartEpoch(int epoch, int steps) = 0;

  // Blocks until the next batch is there: enters kLoadWait, leaves `clock` in kHostToDevice.
  virtual TrainBatch Next(LapClock& clock) = 0;

  // CPU seconds that making the epoch's batches took so far, beside the training.
  virtual double augment_seconds() const = 0;
};

}  // namespace laptime::trainer
