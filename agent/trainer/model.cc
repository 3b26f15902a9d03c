#include "agent/trainer/model.h"

#include <ATen/CPUGeneratorImpl.h>

#include <utility>

#include "agent/trainer/random_stream.h"

namespace laptime::trainer {

Model::Model(uint64_t seed)
    : Model(
          at::detail::createCPUGenerator(RandomStream(RandomUse::kInitialization, {seed}).Next())) {
}

Model::Model(at::Generator random) : backbone_(random), head_(random) {}

void Model::MoveTo(at::Device device, at::MemoryFormat format) {
  Visit([&](const std::string&, at::Tensor& tensor, bool trainable) {
    const bool images = tensor.dim() == 4;
    tensor = tensor.detach().to(device).contiguous(images ? format : at::MemoryFormat::Contiguous);
    if (trainable) tensor.set_requires_grad(true);
  });
}

at::Tensor Model::Embed(const at::Tensor& views) const {
  return head_.Forward(backbone_.Forward(views, /*training=*/true), /*training=*/true);
}

at::Tensor Model::Features(const at::Tensor& images) const {
  return backbone_.Forward(images, /*training=*/false);
}

void Model::Visit(const TensorVisitor& visit) {
  backbone_.Visit("backbone", visit);
  head_.Visit("head", visit);
}

std::vector<at::Tensor> Model::Parameters() {
  std::vector<at::Tensor> parameters;
  Visit([&](const std::string&, at::Tensor& tensor, bool trainable) {
    if (trainable) parameters.push_back(tensor);
  });
  return parameters;
}

std::vector<ModuleFact> ModuleFacts(Model& model) {
  std::vector<ModuleFact> facts = {{"backbone", "ResNet18", 0},
                                   {"head", "SimCLRProjectionHead", 0}};
  model.Visit([&](const std::string& name, at::Tensor& tensor, bool trainable) {
    if (trainable) facts[name.starts_with("head.") ? 1 : 0].parameters += tensor.numel();
  });
  return facts;
}

}  // namespace laptime::trainer
