#include "agent/trainer/cuda/graphed_step.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <utility>

#include "agent/trainer/random_batch.h"

namespace laptime::trainer {
namespace {

constexpr double kRate = 0.06;

// Stands in for the NVIDIA device: a replay does the recorded work on the CPU.
class RepeatedWork : public CudaGraph {
 public:
  void Record(const std::function<void()>& work) override { work_ = work; }
  void Replay() override { work_(); }

 private:
  std::function<void()> work_;
};

struct Trained {
  explicit Trained(const Device& device) { model.MoveTo(device.torch(), device.memory_format()); }

  Model model{1};
};

class GraphedStepTest : public ::testing::Test {
 protected:
  TrainBatch BatchTimes(double factor) {
    TrainBatch batch = RandomBatch(plain_.model, 4, device_);
    for (at::Tensor& images : batch.images) images = images * factor;
    return batch;
  }

  const Device device_ = Device::Open("cpu");
  const Workload workload_{};
  Trained plain_{device_};
  Trained graphed_{device_};
  TrainStep step_{plain_.model, workload_, device_};
  TrainStep recorded_{graphed_.model, workload_, device_};
  LapClock clock_;
};

TEST_F(GraphedStepTest, TrainsAsTheStepDoesOnEachBatchAndAtEachRate) {
  GraphedStep graph(recorded_, BatchTimes(9), std::make_unique<RepeatedWork>());
  for (int i = 1; i <= 3; ++i) {
    const TrainBatch batch = BatchTimes(i);
    const at::Tensor expected = step_.Run(batch, kRate / i, clock_);
    const at::Tensor loss = graph.Run(batch, kRate / i, clock_);
    EXPECT_NEAR(loss.item<double>(), expected.item<double>(), 1e-5) << i;
  }
  const auto expected = plain_.model.Parameters();
  const auto parameters = graphed_.model.Parameters();
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_TRUE(parameters[i].allclose(expected[i], 1e-4, 1e-6)) << i;
}

TEST_F(GraphedStepTest, RecordingTrainsNothing) {
  const at::Tensor before = graphed_.model.Parameters()[0].detach().clone();
  const GraphedStep graph(recorded_, BatchTimes(1), std::make_unique<RepeatedWork>());
  EXPECT_TRUE(before.equal(graphed_.model.Parameters()[0].detach()));
}

TEST_F(GraphedStepTest, OfAClassifierTakesTheLabels) {
  Workload workload;
  workload.model = "resnet18";
  Model model(workload.model, 1);
  model.MoveTo(device_.torch(), device_.memory_format());
  TrainStep step(model, workload, device_);
  TrainBatch batch = RandomBatch(model, 2, device_);
  GraphedStep graph(step, batch, std::make_unique<RepeatedWork>());
  const double of_class_0 = graph.Run(batch, 0.0, clock_).item<double>();
  batch.labels = batch.labels + 1;
  EXPECT_NE(graph.Run(batch, 0.0, clock_).item<double>(), of_class_0);
}

}  // namespace
}  // namespace laptime::trainer
