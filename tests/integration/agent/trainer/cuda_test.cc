#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randint.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "agent/trainer/cuda/cuda_driver.h"
#include "agent/trainer/cuda/graphed_step.h"
#include "agent/trainer/device_check.h"
#include "agent/trainer/feature_maker.h"
#include "agent/trainer/random_batch.h"

namespace laptime::trainer {
namespace {

// By the norm of the difference.
MATCHER_P2(IsNear, expected, most, "") {
  const double apart = ((arg - expected).norm() / expected.norm()).template item<double>();
  *result_listener << "is " << apart << " away";
  return apart <= most;
}

TEST(CudaModuleOpeningTest, SaysWhatIsMissing) {
  if (!LoadTorchCuda()) GTEST_SKIP() << "LibTorch's CUDA library is here";
  const auto opened = OpenCudaModule();
  ASSERT_TRUE(std::holds_alternative<std::string>(opened));
  EXPECT_NE(std::get<std::string>(opened), "");
}

// With LibTorch's CUDA flavour, on a machine with and without a driver.
class CudaModuleTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = LoadTorchCuda()) GTEST_SKIP() << *why;
    const auto opened = OpenCudaModule();
    ASSERT_TRUE(std::holds_alternative<const CudaModule*>(opened)) << std::get<std::string>(opened);
    module_ = std::get<const CudaModule*>(opened);
  }

  const CudaModule* module_ = nullptr;
};

TEST_F(CudaModuleTest, HasEverything) {
  EXPECT_NE(module_->new_graph, nullptr);
  EXPECT_NE(module_->new_nccl, nullptr);
}

TEST_F(CudaModuleTest, WithoutADeviceRecordingIsRefused) {
  if (FindCudaDriver()) GTEST_SKIP() << "there is a driver";
  EXPECT_THROW(module_->new_graph()->Record([] {}), c10::Error);
}

// On an NVIDIA device.
class CudaDeviceTest : public CudaModuleTest {
 protected:
  void SetUp() override {
    const auto driver = FindCudaDriver();
    if (!driver || driver->devices.empty()) GTEST_SKIP() << "no NVIDIA device";
    CudaModuleTest::SetUp();
  }
};

TEST_F(CudaDeviceTest, AGraphTrainsAsTheStepDoes) {
  const Device device = Device::Open("cuda:0");
  const Workload workload{};
  Model model(1);
  model.MoveTo(device.torch(), device.memory_format());
  TrainStep step(model, workload, device);
  const TrainBatch batch = RandomBatch(model, 32, device);
  LapClock clock;
  for (int i = 0; i < 3; ++i) step.Run(batch, 0.06, clock);
  std::vector<double> expected;
  {
    const StateKeeper keeper(step);
    for (int i = 0; i < 5; ++i) expected.push_back(step.Run(batch, 0.06, clock).item<double>());
  }
  GraphedStep graph(step, batch, module_->new_graph());
  for (int i = 0; i < 5; ++i)
    EXPECT_NEAR(graph.Run(batch, 0.06, clock).item<double>(), expected[i], 1e-3) << i;
}

TEST_F(CudaDeviceTest, RecordedFeaturesAreThoseOfTheModelAsItIs) {
  const at::NoGradGuard no_grad;
  const Device device = Device::Open("cuda:0");
  Model model(1);
  model.MoveTo(device.torch(), device.memory_format());
  const at::Tensor images = at::randint(256, {FeatureMaker::kBatch, 3, 32, 32},
                                        at::TensorOptions(device.torch()).dtype(at::kByte));
  const FeatureMaker plain(Precision::kFp32, device);
  FeatureMaker recorded(Precision::kFp32, device);
  recorded.Record(model, images, module_->new_graph());
  model.Visit([](const std::string&, at::Tensor& tensor, bool) { tensor.mul_(1.25); });
  const at::Tensor expected = plain.OfBatch(model, images);
  EXPECT_THAT(recorded.OfBatch(model, images), IsNear(expected, 1e-5));
  EXPECT_THAT(recorded.OfBatch(model, images.narrow(0, 0, 5)),
              IsNear(expected.narrow(0, 0, 5), 1e-3));
}

TEST_F(CudaDeviceTest, ComputesAsTheCpuDoes) {
  const Device device = Device::Open("cuda:0");
  Model model(1);
  EXPECT_NO_THROW(CheckAgainstCpu(device, model, Workload{}));
}

}  // namespace
}  // namespace laptime::trainer
