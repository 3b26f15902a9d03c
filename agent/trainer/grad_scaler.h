#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace laptime::trainer {

// Keeps float16's gradients out of the range where they become zero or infinite: the loss is
// multiplied by a scale before the backward pass and the gradients are divided by it after. A step
// whose gradients are not finite is left out and halves the scale; after 2,000 good steps it is
// doubled. PyTorch's torch.amp.GradScaler with its constants. Nothing waits for the device. One
// thread.
class GradScaler {
 public:
  explicit GradScaler(at::Device device);

  at::Tensor Scaled(const at::Tensor& loss) const { return loss.mul(scale_); }

  // Divides the gradients, in place. Returns whether one is not finite: a float, 0 or 1.
  at::Tensor Unscale(std::vector<at::Tensor>& gradients);

  // After the step, with what Unscale returned.
  void Update(const at::Tensor& found_infinite);

  // What a resumed training needs.
  std::vector<at::Tensor> State() const { return {scale_, good_steps_}; }

 private:
  at::Tensor scale_;       // float
  at::Tensor good_steps_;  // int, since the scale last changed
};

}  // namespace laptime::trainer
