#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/trainer/networks/network.h"
#include "agent/trainer/simclr_head.h"

namespace laptime::trainer {

// One row of the table that people know from Lightning.
struct ModuleFact {
  std::string name;
  std::string type;
  int64_t parameters = 0;
};

// What is trained: a network, and for SimCLR its head behind it. Initialised from the seed alone,
// on the CPU, then moved. Not thread-safe.
class Model {
 public:
  // SimCLR's: the network for CIFAR-10 with its head.
  explicit Model(uint64_t seed);
  // What `model` of a workload names: that, or a classifier.
  Model(const std::string& network, uint64_t seed);

  // Moves the state to `device`, images' weights in `format`, and makes the parameters trainable.
  void MoveTo(at::Device device, at::MemoryFormat format);

  // False: a classifier, without a head.
  bool simclr() const { return head_.has_value(); }
  // Of the images it is made for, in pixels.
  int image_side() const { return image_side_; }

  // Without dropout two devices compute the same; with it each draws as it does.
  void LeaveOutDropout() { network_->LeaveOutDropout(); }

  // In training mode, which moves the running statistics: SimCLR's [N,3,32,32] to the head's
  // [N,128], a classifier's [N,3,S,S] to scores [N,1000].
  at::Tensor Embed(const at::Tensor& views) const;
  at::Tensor Scores(const at::Tensor& images) const;

  // In evaluation mode: the network's rows, of SimCLR [N,512]; and of those the head's.
  at::Tensor Features(const at::Tensor& images) const;
  at::Tensor Project(const at::Tensor& features) const;

  // All state, under the reference's names: "backbone.0.weight", "head.layers.0.weight", ….
  void Visit(const TensorVisitor& visit);

  std::vector<at::Tensor> Parameters();

 private:
  std::string type_;
  int image_side_;
  std::unique_ptr<Network> network_;
  std::optional<SimClrHead> head_;

  friend std::vector<ModuleFact> ModuleFacts(Model& model);
};

std::vector<ModuleFact> ModuleFacts(Model& model);

}  // namespace laptime::trainer
