#include "agent/trainer/model.h"

#include <ATen/CPUGeneratorImpl.h>

#include <utility>

#include "agent/trainer/networks/networks.h"
#include "agent/trainer/random_stream.h"

namespace laptime::trainer {

namespace {

constexpr char kSimClrNetwork[] = "resnet18-cifar";
constexpr char kBackbone[] = "backbone";
constexpr char kHead[] = "head";

}  // namespace

Model::Model(uint64_t seed) : Model(kSimClrNetwork, seed) {}

Model::Model(const std::string& network, uint64_t seed)
    : type_(NetworkNamed(network).type), image_side_(NetworkNamed(network).image_side) {
  at::Generator random =
      at::detail::createCPUGenerator(RandomStream(RandomUse::kInitialization, {seed}).Next());
  network_ = NetworkNamed(network).make(random);
  if (network == kSimClrNetwork) head_.emplace(random);
}

void Model::MoveTo(at::Device device, at::MemoryFormat format) {
  Visit([&](const std::string&, at::Tensor& tensor, bool trainable) {
    const bool images = tensor.dim() == 4;
    tensor = tensor.detach().to(device).contiguous(images ? format : at::MemoryFormat::Contiguous);
    if (trainable) tensor.set_requires_grad(true);
  });
}

at::Tensor Model::Embed(const at::Tensor& views) const {
  return head_->Forward(network_->Forward(views, /*training=*/true), /*training=*/true);
}

at::Tensor Model::Scores(const at::Tensor& images) const {
  return network_->Forward(images, /*training=*/true);
}

at::Tensor Model::Features(const at::Tensor& images) const {
  return network_->Forward(images, /*training=*/false);
}

at::Tensor Model::Project(const at::Tensor& features) const {
  return head_->Forward(features, /*training=*/false);
}

void Model::Visit(const TensorVisitor& visit) {
  network_->Visit(simclr() ? std::string(kBackbone) + "." : "", visit);
  if (head_) head_->Visit(kHead, visit);
}

std::vector<at::Tensor> Model::Parameters() {
  std::vector<at::Tensor> parameters;
  Visit([&](const std::string&, at::Tensor& tensor, bool trainable) {
    if (trainable) parameters.push_back(tensor);
  });
  return parameters;
}

std::vector<ModuleFact> ModuleFacts(Model& model) {
  std::vector<ModuleFact> facts = {{model.simclr() ? kBackbone : "network", model.type_, 0}};
  if (model.simclr()) facts.push_back({kHead, "SimCLRProjectionHead", 0});
  model.Visit([&](const std::string& name, at::Tensor& tensor, bool trainable) {
    const bool in_head = model.simclr() && name.starts_with(std::string(kHead) + ".");
    if (trainable) facts[in_head ? 1 : 0].parameters += tensor.numel();
  });
  return facts;
}

}  // namespace laptime::trainer
