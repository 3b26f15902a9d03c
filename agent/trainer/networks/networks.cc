#include "agent/trainer/networks/networks.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "agent/trainer/networks/resnet.h"
#include "agent/trainer/networks/resnet18_cifar.h"
#include "agent/trainer/networks/vgg16.h"

namespace laptime::trainer {
namespace {

template <typename Kind>
std::unique_ptr<Network> Make(at::Generator& random) {
  return std::make_unique<Kind>(random);
}

constexpr int kImageNetSide = 224;

constexpr std::array kNetworks = {
    NetworkKind{"resnet18-cifar", "ResNet18", 32, Make<ResNet18Cifar>},
    NetworkKind{"resnet18", "ResNet18", kImageNetSide, Make<ResNet18>},
    NetworkKind{"resnet50", "ResNet50", kImageNetSide, Make<ResNet50>},
    NetworkKind{"vgg16", "VGG16", kImageNetSide, Make<Vgg16>},
};

}  // namespace

const NetworkKind& NetworkNamed(const std::string& name) {
  const auto* found = std::ranges::find(kNetworks, name, &NetworkKind::name);
  if (found == kNetworks.end()) throw std::logic_error("no network is called " + name);
  return *found;
}

}  // namespace laptime::trainer
