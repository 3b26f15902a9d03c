#include "agent/trainer/pixels.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

namespace laptime::trainer {

Normalizer::Normalizer(const Device& device)
    : format_(device.memory_format()),
      mean_(at::tensor({0.485f, 0.456f, 0.406f}).view({1, kChannels, 1, 1}).to(device.torch())),
      deviation_(
          at::tensor({0.229f, 0.224f, 0.225f}).view({1, kChannels, 1, 1}).to(device.torch())) {}

at::Tensor Normalizer::operator()(const at::Tensor& bytes) const {
  at::Tensor images = at::empty(bytes.sizes(), bytes.options().dtype(at::kFloat), format_);
  return images.copy_(bytes).div_(255).sub_(mean_).div_(deviation_);
}

at::Tensor ImagesOn(const ImageSet& images, const Device& device) {
  // The tensor is only read; from_blob has no constant form.
  auto* bytes = const_cast<uint8_t*>(images.pixels.data());
  return at::from_blob(bytes, {images.size(), kChannels, kImageSide, kImageSide}, at::kByte)
      .to(device.torch());
}

at::Tensor LabelsOn(const ImageSet& images, const Device& device) {
  auto* labels = const_cast<uint8_t*>(images.labels.data());
  return at::from_blob(labels, {images.size()}, at::kByte).to(at::kLong).to(device.torch());
}

}  // namespace laptime::trainer
