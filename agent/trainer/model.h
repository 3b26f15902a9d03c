#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "agent/trainer/resnet.h"
#include "agent/trainer/simclr_head.h"

namespace laptime::trainer {

// The network that is trained: backbone and head. Initialised from the seed alone, on the CPU, then
// moved. Not thread-safe.
class Model {
 public:
  explicit Model(uint64_t seed);

  // Moves the state to `device`, images' weights in `format`, and makes the parameters trainable.
  void MoveTo(at::Device device, at::MemoryFormat format);

  // [N,3,32,32] to the head's [N,128], in training mode: moves the running statistics.
  at::Tensor Embed(const at::Tensor& views) const;

  // [N,3,32,32] to the backbone's [N,512], in evaluation mode.
  at::Tensor Features(const at::Tensor& images) const;

  // All state, under the reference's names: "backbone.0.weight", "head.layers.0.weight", ….
  void Visit(const TensorVisitor& visit);

  std::vector<at::Tensor> Parameters();

 private:
  explicit Model(at::Generator random);

  ResNet18 backbone_;
  SimClrHead head_;
};

// One row of the table that people know from Lightning.
struct ModuleFact {
  std::string name;
  std::string type;
  int64_t parameters = 0;
};

std::vector<ModuleFact> ModuleFacts(Model& model);

}  // namespace laptime::trainer
