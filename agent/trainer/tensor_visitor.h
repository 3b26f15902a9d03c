#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

namespace laptime::trainer {

// Called for each tensor of a network's state with the name that lightly gives it. The tensor may
// be replaced. `trainable` tells parameters from running statistics.
using TensorVisitor =
    std::function<void(const std::string& name, at::Tensor& tensor, bool trainable)>;

}  // namespace laptime::trainer
