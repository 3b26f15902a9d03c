#include "agent/trainer/step_timer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "agent/trainer/lap_clock.h"
#include "agent/trainer/model.h"
#include "agent/trainer/train_step.h"

namespace laptime::trainer {

double FastestStep(const Workload& workload, const Device& device, int steps) {
  Model model(workload.model, workload.seed);
  model.MoveTo(device.torch(), device.memory_format());
  TrainStep step(model, workload, device);
  at::Generator random = at::detail::createCPUGenerator();
  const at::Tensor view =
      at::randn({workload.batch_size, kChannels, model.image_side(), model.image_side()}, random)
          .to(device.torch())
          .contiguous(device.memory_format());
  const at::Tensor labels =
      at::zeros({workload.batch_size}, at::TensorOptions(device.torch()).dtype(at::kLong));
  // The loss of equal views, or of one class, is as good as any.
  const TrainBatch batch = {{view, view}, labels};
  LapClock clock;
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < steps; ++i) {
    device.Synchronize();
    const auto start = std::chrono::steady_clock::now();
    step.Run(batch, workload.learning_rate, clock);
    device.Synchronize();
    fastest = std::min(
        fastest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return fastest;
}

}  // namespace laptime::trainer
