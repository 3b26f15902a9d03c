#include "agent/trainer/device.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/layout.h"
#include "agent/trainer/model.h"
#include "agent/trainer/model_state.h"
#include "agent/trainer/parity/answer.h"
#include "agent/trainer/parity/reference_workload.h"
#include "agent/trainer/precision.h"
#include "agent/trainer/tensor_file.h"
#include "agent/trainer/train_step.h"

namespace laptime::trainer {

void Answer(const ReplayOptions& options, EventWriter& lines) {
  const TensorFile file = TensorFile::Read(options.file);
  const Device device = Device::Open("cpu").With(*PixelLayoutNamed(options.memory_format));
  Workload workload = ReferenceWorkload();
  if (options.precision == kBfloat16Precision) workload.precision = Precision::kBf16;
  CheckPrecision(workload.precision, device);
  ApplyPrecision(workload.precision);
  Model model(workload.seed);
  const at::ScalarType type = LoadState(file, model);
  if (workload.precision == Precision::kBf16 && type != at::kFloat)
    file.Refuse("a state of float64 is not computed in bf16");
  model.MoveTo(device.torch(), device.memory_format());

  const at::Tensor rates = file.Get("learning_rate", at::kDouble, {kAnySize});
  const at::Tensor first =
      file.Get("view0", type, {rates.size(0), kAnySize, kChannels, kImageSide, kImageSide});
  const at::Tensor second = file.Get("view1", type, first.sizes());
  if (first.size(1) < 2) file.Refuse("view0 must have two images a step or more: batch norm");

  TrainStep step(model, workload, device);
  LapClock clock;
  for (int64_t i = 0; i < rates.size(0); ++i) {
    const TrainBatch views = {
        {first[i].contiguous(device.memory_format()), second[i].contiguous(device.memory_format())},
        {}};
    const at::Tensor loss = step.Run(views, rates[i].item<double>(), clock);
    lines.WriteLine({{"step", i + 1}, {"loss", loss.item<double>()}});
  }
  if (!options.save_state.empty()) WriteTensors(options.save_state, StateOf(model));
}

}  // namespace laptime::trainer
