#include "agent/trainer/step_timer.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

#include "agent/trainer/cuda/graphed_step.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/model.h"
#include "agent/trainer/random_batch.h"
#include "agent/trainer/train_step.h"

namespace laptime::trainer {

namespace {

double Fastest(const Device& device, int steps, const std::function<void()>& step) {
  double fastest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < steps; ++i) {
    device.Synchronize();
    const auto start = std::chrono::steady_clock::now();
    step();
    device.Synchronize();
    fastest = std::min(
        fastest, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return fastest;
}

}  // namespace

double FastestStep(const Workload& workload, const Device& device, int steps,
                   const CudaModule* graphs) {
  Model model(workload.model, workload.seed);
  model.MoveTo(device.torch(), device.memory_format());
  TrainStep step(model, workload, device);
  const TrainBatch batch = RandomBatch(model, workload.batch_size, device);
  LapClock clock;
  const double by_itself =
      Fastest(device, steps, [&] { step.Run(batch, workload.learning_rate, clock); });
  if (graphs == nullptr) return by_itself;
  GraphedStep graph(step, batch, graphs->new_graph());
  return Fastest(device, steps, [&] { graph.Run(batch, workload.learning_rate, clock); });
}

}  // namespace laptime::trainer
