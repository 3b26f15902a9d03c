#include "agent/trainer/grad_scaler.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <limits>

#include "agent/trainer/sgd.h"

namespace laptime::trainer {
namespace {

class GradScalerTest : public ::testing::Test {
 protected:
  // One step of SGD without momentum and decay, rate 1, from such a scaled gradient.
  void Step(double gradient) {
    parameter_.mutable_grad() = at::full({2}, gradient);
    sgd_.Step(1.0, &scaler_);
  }
  double Scale() const { return scaler_.State()[0].item<double>(); }
  double Parameter() const { return parameter_[0].item<double>(); }

  GradScaler scaler_{at::kCPU};
  at::Tensor parameter_ = at::full({2}, 10.0);
  Sgd sgd_{{parameter_}, 0, 0};
};

TEST_F(GradScalerTest, TheStepIsThatOfTheUnscaledGradient) {
  EXPECT_EQ(scaler_.Scaled(at::full({}, 0.5)).item<double>(), 32768);
  Step(3 * Scale());
  EXPECT_EQ(Parameter(), 7);
  EXPECT_EQ(Scale(), 65536);
}

TEST_F(GradScalerTest, AStepThatIsNotFiniteIsLeftOutAndHalvesTheScale) {
  Step(std::numeric_limits<double>::infinity());
  EXPECT_EQ(Parameter(), 10);
  EXPECT_EQ(Scale(), 32768);
  Step(Scale());
  EXPECT_EQ(Parameter(), 9);
}

TEST_F(GradScalerTest, GrowsAfterTwoThousandGoodSteps) {
  for (int i = 0; i < 1999; ++i) Step(0);
  EXPECT_EQ(Scale(), 65536);
  Step(0);
  EXPECT_EQ(Scale(), 131072);
}

}  // namespace
}  // namespace laptime::trainer
