#pragma once

#include <ATen/core/Tensor.h>

#include "agent/trainer/dataset.h"
#include "agent/trainer/device.h"

namespace laptime::trainer {

// Turns bytes into what the network takes: divided by 255, normalised with ImageNet's mean and
// standard deviation, in float, in the device's memory format, on the device. Immutable.
class Normalizer {
 public:
  explicit Normalizer(const Device& device);

  // `bytes` is uint8 [N,3,32,32] on the device.
  at::Tensor operator()(const at::Tensor& bytes) const;

 private:
  at::MemoryFormat format_;
  at::Tensor mean_;
  at::Tensor deviation_;
};

// The images as uint8 [N,3,32,32]; on the CPU the set's own memory, which must then outlive the
// tensor.
at::Tensor ImagesOn(const ImageSet& images, const Device& device);

// int64 [N].
at::Tensor LabelsOn(const ImageSet& images, const Device& device);

}  // namespace laptime::trainer
