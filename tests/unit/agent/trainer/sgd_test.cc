#include "agent/trainer/sgd.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/rand.h>
#include <gtest/gtest.h>

namespace laptime::trainer {
namespace {

// The textbook update, in the order of torch.optim.SGD.
struct TextbookSgd {
  at::Tensor parameter;
  at::Tensor momentum;

  void Step(const at::Tensor& gradient, double rate) {
    const at::Tensor decayed = gradient + parameter * 5e-4;
    momentum = momentum.defined() ? momentum * 0.9 + decayed : decayed;
    parameter = parameter - momentum * rate;
  }
};

TEST(SgdTest, FollowsTheTextbookWithDecayAndMomentum) {
  const at::Tensor parameter = at::rand({6, 5, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  TextbookSgd textbook{parameter.clone(), {}};
  Sgd sgd({parameter}, 0.9, 5e-4);
  for (int step = 0; step < 4; ++step) {
    const at::Tensor gradient = at::rand({6, 5, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
    textbook.Step(gradient, 0.06 / (step + 1));
    parameter.mutable_grad() = gradient;
    sgd.Step(0.06 / (step + 1));
    EXPECT_TRUE(parameter.allclose(textbook.parameter, 1e-6, 1e-7)) << step;
  }
}

TEST(SgdTest, DropsTheGradients) {
  const at::Tensor parameter = at::rand({3});
  Sgd sgd({parameter}, 0.9, 0);
  parameter.mutable_grad() = at::rand({3});
  sgd.Step(0.1);
  EXPECT_FALSE(parameter.grad().defined());
}

// The kernel walks memory: a gradient in another order must not be applied crosswise.
TEST(SgdTest, TakesGradientsInAnotherMemoryFormat) {
  const at::Tensor parameter = at::rand({4, 5, 3, 3}).contiguous(at::MemoryFormat::ChannelsLast);
  const at::Tensor gradient = at::rand({4, 5, 3, 3});
  const at::Tensor expected = parameter - gradient * 0.5;
  Sgd sgd({parameter}, 0, 0);
  parameter.mutable_grad() = gradient;
  sgd.Step(0.5);
  EXPECT_TRUE(parameter.allclose(expected));
}

}  // namespace
}  // namespace laptime::trainer
