#pragma once

#include <ATen/core/Tensor.h>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/pixels.h"
#include "agent/trainer/train_batch.h"

namespace laptime::trainer {

// "synthetic-imagenet-shape": labelled images of any size, made from a fixed seed, that lie on the
// device as bytes. Nothing is loaded or augmented: what is measured is the network alone, as
// benchmarks with synthetic data do. Each of the 1,000 classes is a coarse pattern of its own,
// which noise lies over. One thread.
class LabelledFeed : public Feed {
 public:
  // Of several ranks each has its share of every batch.
  LabelledFeed(const Workload& workload, int image_side, const Device& device,
               const RankShare& share = {});

  void StartEpoch(int epoch, int steps) override;
  TrainBatch Next(LapClock& clock) override;
  double augment_seconds() const override { return 0; }

 private:
  const Device device_;
  const int batch_size_;  // of all ranks
  const RankShare share_;
  const uint64_t seed_;
  const Normalizer normalize_;
  at::Tensor images_;  // uint8 [N,3,S,S]
  at::Tensor labels_;  // int64 [N]
  at::Tensor order_;   // int64 [N], of this epoch
  int next_ = 0;       // batch
};

}  // namespace laptime::trainer
