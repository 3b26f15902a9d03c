#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"
#include "agent/trainer/model.h"

namespace laptime::trainer {

// Drivers and frameworks have computed wrong gradients without a word (PyTorch issues on M1 and
// M2): whether a device does as the CPU does, on one small batch with the weights of the moment.

inline constexpr int kCheckedImages = 16;

struct LossAndGradients {
  double loss = 0;
  std::vector<at::Tensor> gradients;  // on the CPU, in the order of Model::Parameters
};

// Of a copy of `model` on `device`, for a batch of noise: `model` itself is not touched.
LossAndGradients ComputeOn(const Device& device, Model& model, const Workload& workload);

// Relative: |computed - reference| / |reference|.
struct Deviation {
  double loss = 0;
  double gradient = 0;  // in the 2-norm, of the tensor that is worst
};

Deviation DeviationFrom(const LossAndGradients& reference, const LossAndGradients& computed);

// What arithmetic of a workload's precision may deviate on that device, a few times what it was
// seen to: on an AMD EPYC with AVX512_BF16 gradients are 7e-3 apart between the two memory formats
// in fp32, for the sign of a value near zero decides at each ReLU, and bf16's 0.6 from fp32's.
// TF32's bound is a guess between them. What has nothing to do with the right gradient is 1 from it
// or more.
Deviation MostDeviation(Precision precision, const Device& device);

// For people: "loss 2.1e-07, gradients 3.4e-05 from the CPU's in fp32". Throws TrainerError (setup)
// when `device` is further from it than allowed, or not a number.
std::string CheckAgainstCpu(const Device& device, Model& model, const Workload& workload);

// What CheckAgainstCpu says of a deviation where `most` is allowed.
std::string Judge(const Deviation& deviation, const Deviation& most, const std::string& device);

}  // namespace laptime::trainer
