#include <ATen/core/grad_mode.h>

#include "agent/trainer/dataset.h"
#include "agent/trainer/device.h"
#include "agent/trainer/failure.h"
#include "agent/trainer/feature_maker.h"
#include "agent/trainer/layout.h"
#include "agent/trainer/model.h"
#include "agent/trainer/model_state.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/parity/reference_workload.h"
#include "agent/trainer/tensor_file.h"

namespace laptime::trainer {

void Answer(const FeaturesOptions& options, EventWriter& lines) {
  const at::NoGradGuard no_grad;
  const TensorFile file = TensorFile::Read(options.file);
  const Device device = Device::Open("cpu").With(*PixelLayoutNamed(options.memory_format));
  const Workload workload = ReferenceWorkload();
  Model model(workload.seed);
  if (LoadState(file, model) != at::kFloat) file.Refuse("state must be float32, as pixels become");
  model.MoveTo(device.torch(), device.memory_format());
  const at::Tensor images =
      file.Get("images", at::kByte, {kAnySize, kImageSide, kImageSide, kChannels})
          .permute({0, 3, 1, 2})
          .contiguous();
  const FeatureMaker features(workload.precision, device);
  WriteTensor(options.output, features.OfAll(model, images, [](int) {}));
}

}  // namespace laptime::trainer
