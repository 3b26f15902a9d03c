#pragma once

#include <vector>

#include "agent/trainer/layers.h"
#include "agent/trainer/networks/network.h"

namespace laptime::trainer {

// VGG-16, configuration D (Simonyan and Zisserman 2015) as torchvision's vgg16: no batch norm,
// dropout of a half between the linear layers; [N,3,224,224] to [N,1000]. 138,357,544 parameters,
// 15.47 G multiply-adds an image.
class Vgg16 : public Network {
 public:
  explicit Vgg16(at::Generator& random);

  at::Tensor Forward(const at::Tensor& images, bool training) const override;
  void Visit(const std::string& prefix, const TensorVisitor& visit) override;

  void LeaveOutDropout() override { dropout_ = 0; }

 private:
  struct Numbered {
    int number;  // in torchvision's Sequential, where ReLU and pooling count too
    Conv2d conv;
    bool pooled;  // halves the image after it
  };
  std::vector<Numbered> features_;
  Linear first_;
  Linear second_;
  Linear scores_;
  double dropout_ = 0.5;
};

}  // namespace laptime::trainer
