#include "agent/trainer/device_check.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/flip.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "agent/trainer/failure.h"
#include "agent/trainer/precision.h"
#include "agent/trainer/random_batch.h"

namespace laptime::trainer {
namespace {

using ::testing::HasSubstr;

class DeviceCheckTest : public ::testing::Test {
 protected:
  // Both memory formats of the CPU: the same mathematics by other kernels, as on another device.
  const Device device_ = Device::Open("cpu");
  const Device other_ = device_.With(PixelLayout::kPlanar);
  const Workload workload_{};
  Model model_{1};
};

TEST_F(DeviceCheckTest, OtherKernelsAreCloseAndAreTold) {
  EXPECT_THAT(CheckAgainstCpu(other_, model_, workload_), HasSubstr("from the CPU's"));
  const Deviation deviation =
      DeviationFrom(ComputeOn(device_, model_, workload_), ComputeOn(other_, model_, workload_));
  EXPECT_LT(deviation.loss, 1e-5);
  EXPECT_LT(deviation.gradient, MostDeviation(Precision::kFp32, device_).gradient);
  EXPECT_GT(deviation.gradient, 0);
}

TEST_F(DeviceCheckTest, SixteenBitsAreWithinTheirBounds) {
  if (!CpuComputes(Precision::kBf16)) GTEST_SKIP() << "this CPU does not compute in bf16";
  Workload workload;
  workload.precision = Precision::kBf16;
  EXPECT_THAT(CheckAgainstCpu(device_, model_, workload), HasSubstr("from the CPU's"));
}

// With dropout two devices draw other masks.
TEST_F(DeviceCheckTest, DropoutCanBeLeftOut) {
  Model model("vgg16", 1);
  const at::Tensor image = RandomBatch(model, 1, device_).images[0];
  const at::NoGradGuard no_grad;
  EXPECT_FALSE(model.Scores(image).equal(model.Scores(image)));
  model.LeaveOutDropout();
  EXPECT_TRUE(model.Scores(image).allclose(model.Scores(image)));
}

TEST_F(DeviceCheckTest, LeavesTheModelAlone) {
  std::vector<at::Tensor> before;
  model_.Visit([&](const std::string&, at::Tensor& tensor, bool) {
    before.push_back(tensor.detach().clone());
  });
  CheckAgainstCpu(other_, model_, workload_);
  size_t i = 0;
  model_.Visit([&](const std::string& name, at::Tensor& tensor, bool) {
    EXPECT_TRUE(tensor.detach().equal(before[i++])) << name;
  });
}

TEST_F(DeviceCheckTest, ChecksTheWeightsOfTheMoment) {
  const double first = ComputeOn(device_, model_, workload_).loss;
  {
    const at::NoGradGuard no_grad;
    model_.Parameters()[0].mul_(-1);
  }
  EXPECT_NE(ComputeOn(device_, model_, workload_).loss, first);
}

TEST_F(DeviceCheckTest, AGradientThatIsNoNumberIsTold) {
  const LossAndGradients right = ComputeOn(device_, model_, workload_);
  LossAndGradients wrong = right;
  wrong.gradients[3] = wrong.gradients[3] * std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(DeviationFrom(right, wrong).gradient));
}

// The first layer's weights get rows of gradient that are meant for others, silently, as a matrix
// product with its left operand transposed once did on M1 and M2.
TEST_F(DeviceCheckTest, AWrongGradientIsRefused) {
  const LossAndGradients right = ComputeOn(device_, model_, workload_);
  LossAndGradients wrong = right;
  wrong.gradients[0] = wrong.gradients[0].flip(0);
  try {
    Judge(DeviationFrom(right, wrong), MostDeviation(Precision::kBf16, device_), "mps");
    FAIL() << "was not refused";
  } catch (const TrainerError& error) {
    EXPECT_THAT(error.what(), HasSubstr("device mps computes wrongly"));
    EXPECT_EQ(error.cause(), FailureCause::kSetup);
  }
}

TEST(DeviceCheckJudgeTest, RefusesALossThatIsOffAndWhatIsNoNumber) {
  const Deviation most = {1e-3, 1e-2};
  EXPECT_NO_THROW(Judge(most, most, "mps"));
  EXPECT_THROW(Judge({1.01e-3, 0}, most, "mps"), TrainerError);
  EXPECT_THROW(Judge({0, 1.01e-2}, most, "mps"), TrainerError);
  EXPECT_THROW(Judge({0, std::numeric_limits<double>::quiet_NaN()}, most, "mps"), TrainerError);
}

}  // namespace
}  // namespace laptime::trainer
