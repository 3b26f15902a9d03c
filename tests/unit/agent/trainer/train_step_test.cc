#include "agent/trainer/train_step.h"

#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <cmath>

namespace laptime::trainer {
namespace {

class TrainStepTest : public ::testing::Test {
 protected:
  static Model ModelOn(const Device& device) {
    Model model(1);
    model.MoveTo(device.torch(), device.memory_format());
    return model;
  }

  at::Tensor Step() {
    return step_.Run({{at::randn({4, 3, 32, 32}), at::randn({4, 3, 32, 32})}, {}}, 0.06, clock_);
  }

  const Device device_ = Device::Open("cpu");
  const Workload workload_{};
  Model model_ = ModelOn(device_);
  TrainStep step_{model_, workload_, device_};
  LapClock clock_;
};

TEST_F(TrainStepTest, LeavesALossAndMovesTheParameters) {
  const at::Tensor before = model_.Parameters()[0].detach().clone();
  const at::Tensor loss = Step();
  EXPECT_GT(loss.item<double>(), 0);
  EXPECT_FALSE(loss.requires_grad());
  EXPECT_FALSE(before.equal(model_.Parameters()[0].detach()));
  EXPECT_GT(clock_.Read().phases[static_cast<size_t>(Phase::kBackward)], 0);
}

// One pass over both views at once would normalise with the statistics of both, and count once.
TEST_F(TrainStepTest, EachViewHasItsOwnPass) {
  const TrainBatch batch = {{at::randn({4, 3, 32, 32}), at::randn({4, 3, 32, 32}).mul_(2)}, {}};
  step_.Run(batch, /*learning_rate=*/0.0, clock_);
  Model same = ModelOn(device_);
  for (const at::Tensor& view : batch.images) same.Embed(view);
  std::vector<at::Tensor> expected;
  same.Visit([&](const std::string&, at::Tensor& tensor, bool trainable) {
    if (!trainable) expected.push_back(tensor);
  });
  size_t i = 0;
  model_.Visit([&](const std::string& name, at::Tensor& tensor, bool trainable) {
    if (trainable) return;
    EXPECT_TRUE(tensor.equal(expected[i++])) << name;
  });
  EXPECT_EQ(i, 44u);
}

TEST_F(TrainStepTest, CanBePutBackBitByBit) {
  Step();
  std::vector<at::Tensor> before;
  for (const at::Tensor& tensor : step_.State()) before.push_back(tensor.clone());
  EXPECT_EQ(before.size(), 66u + 66u + 44u);  // momentum, parameters, running statistics
  {
    const StateKeeper keeper(step_);
    Step();
  }
  const std::vector<at::Tensor> after = step_.State();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(before[i].equal(after[i])) << i;
}

}  // namespace
}  // namespace laptime::trainer
