#include "agent/trainer/networks/networks.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "proto/support/workload_spec.h"

namespace laptime::trainer {
namespace {

std::unique_ptr<Network> Made(const std::string& name) {
  at::Generator random = at::detail::createCPUGenerator(1);
  return NetworkNamed(name).make(random);
}

std::map<std::string, at::Tensor> TrainedStateOf(Network& network) {
  std::map<std::string, at::Tensor> state;
  network.Visit("", [&](const std::string& name, at::Tensor& tensor, bool trained) {
    if (trained) state[name] = tensor;
  });
  return state;
}

int64_t ParametersOf(const std::string& name) {
  int64_t parameters = 0;
  for (const auto& [tensor_name, tensor] : TrainedStateOf(*Made(name)))
    parameters += tensor.numel();
  return parameters;
}

TEST(NetworksTest, ThereIsOneForEveryNameOfTheCatalog) {
  for (const std::string& name : FindWorkloadKey("model")->choices)
    EXPECT_EQ(NetworkNamed(name).name, name);
}

// As torchvision's table of models states them.
TEST(NetworksTest, HaveTorchvisionsParameters) {
  EXPECT_EQ(ParametersOf("resnet18"), 11'689'512);
  EXPECT_EQ(ParametersOf("resnet50"), 25'557'032);
  EXPECT_EQ(ParametersOf("vgg16"), 138'357'544);
}

TEST(NetworksTest, NameTheirStateAsTorchvisionDoes) {
  const auto resnet = TrainedStateOf(*Made("resnet50"));
  for (const char* name : {"conv1.weight", "bn1.bias", "layer1.0.downsample.0.weight",
                           "layer4.2.conv3.weight", "layer3.5.bn3.weight", "fc.bias"})
    EXPECT_EQ(resnet.count(name), 1u) << name;
  const auto vgg = TrainedStateOf(*Made("vgg16"));
  for (const char* name : {"features.0.weight", "features.28.bias", "classifier.0.weight",
                           "classifier.3.bias", "classifier.6.weight"})
    EXPECT_EQ(vgg.count(name), 1u) << name;
  EXPECT_EQ(vgg.size(), 32u);
}

TEST(NetworksTest, GiveAScoreForEachClass) {
  const at::NoGradGuard no_grad;
  for (const char* name : {"resnet18", "resnet50", "vgg16"}) {
    const at::Tensor images = at::randn({1, 3, 224, 224});
    EXPECT_EQ(Made(name)->Forward(images, /*training=*/false).sizes(), at::IntArrayRef({1, 1000}))
        << name;
  }
}

}  // namespace
}  // namespace laptime::trainer
