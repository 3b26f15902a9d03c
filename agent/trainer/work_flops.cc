#include "agent/trainer/work_flops.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "agent/trainer/dataset.h"
#include "agent/trainer/flop_counter.h"
#include "agent/trainer/loader.h"

namespace laptime::trainer {

double WorkFlops::OfLap(int trained_images, int bank_images, int test_images) const {
  return trained_images * trained_image + (bank_images + test_images) * evaluated_image +
         vote * bank_images * test_images;
}

WorkFlops CountFlops(const Model& model, const Device& device) {
  constexpr double kForwardAndBackward = 3;
  const at::NoGradGuard no_grad;
  const at::Tensor image =
      at::zeros({1, kChannels, model.image_side(), model.image_side()}).to(device.torch());
  const FlopCounter counter;
  const at::Tensor features = model.Features(image);
  const double network = counter.flops();
  if (!model.simclr()) return {kForwardAndBackward * network, 0, 0};
  model.Project(features);
  return {kViews * kForwardAndBackward * counter.flops(), network,
          2.0 * static_cast<double>(features.size(1))};
}

}  // namespace laptime::trainer
