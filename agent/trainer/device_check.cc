#include "agent/trainer/device_check.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <cmath>
#include <cstdio>

#include "agent/trainer/failure.h"
#include "agent/trainer/lap_clock.h"
#include "agent/trainer/random_batch.h"
#include "agent/trainer/train_step.h"

namespace laptime::trainer {
namespace {

constexpr Deviation kMostInFp32 = {1e-3, 2e-2};
constexpr Deviation kMostInTf32 = {1e-2, 0.5};
constexpr Deviation kMostIn16Bits = {5e-2, 0.9};
// Gradients that are a smaller part of all than this are rounding.
constexpr double kLeastShare = 1e-3;
constexpr double kHalfScale = 1024;

void CopyState(Model& from, Model& to) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> state;
  from.Visit([&](const std::string&, at::Tensor& tensor, bool) { state.push_back(tensor); });
  size_t next = 0;
  to.Visit([&](const std::string&, at::Tensor& tensor, bool) { tensor.copy_(state[next++]); });
}

double Norm(const at::Tensor& tensor) { return at::linalg_vector_norm(tensor).item<double>(); }

std::string Scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1e", value);
  return text;
}

std::string ToText(const Deviation& deviation) {
  return "loss " + Scientific(deviation.loss) + ", gradients " + Scientific(deviation.gradient);
}

}  // namespace

Deviation MostDeviation(Precision precision, const Device& device) {
  if (precision == Precision::kBf16 || precision == Precision::kFp16) return kMostIn16Bits;
  return precision == Precision::kFp32 && device.cuda() ? kMostInTf32 : kMostInFp32;
}

LossAndGradients ComputeOn(const Device& device, Model& model, const Workload& workload) {
  Model copy(workload.model, workload.seed);
  copy.MoveTo(device.torch(), device.memory_format());
  copy.LeaveOutDropout();
  CopyState(model, copy);
  TrainStep step(copy, workload, device);
  LapClock clock;
  const at::Tensor loss = step.Loss(RandomBatch(copy, kCheckedImages, device), clock);
  // Half precision loses small gradients, which is why training scales them.
  const double scale = workload.precision == Precision::kFp16 ? kHalfScale : 1;
  loss.mul(scale).backward();
  LossAndGradients computed;
  computed.loss = loss.item<double>();
  for (const at::Tensor& parameter : copy.Parameters())
    computed.gradients.push_back(parameter.grad().to(at::kCPU).div(scale));
  return computed;
}

Deviation DeviationFrom(const LossAndGradients& reference, const LossAndGradients& computed) {
  Deviation deviation;
  deviation.loss = std::abs(computed.loss - reference.loss) / std::abs(reference.loss);
  double all = 0;
  for (const at::Tensor& gradient : reference.gradients) all = std::hypot(all, Norm(gradient));
  for (size_t i = 0; i < reference.gradients.size(); ++i) {
    const double length = Norm(reference.gradients[i]);
    if (length < kLeastShare * all) continue;
    const double apart = Norm(computed.gradients[i] - reference.gradients[i]) / length;
    if (!(apart <= deviation.gradient)) deviation.gradient = apart;  // also when it is no number
    if (std::isnan(apart)) break;
  }
  return deviation;
}

std::string Judge(const Deviation& deviation, const Deviation& most, const std::string& device) {
  const std::string text = ToText(deviation) + " from the CPU's in fp32";
  // Not a number is in no range.
  if (deviation.loss <= most.loss && deviation.gradient <= most.gradient) return text;
  throw TrainerError(FailureCause::kSetup,
                     "device " + device + " computes wrongly: " + text + ", at most " +
                         ToText(most) + " is allowed",
                     "another version of the driver or the system; --device cpu works everywhere");
}

std::string CheckAgainstCpu(const Device& device, Model& model, const Workload& workload) {
  Workload exact = workload;
  exact.precision = Precision::kFp32Strict;
  const LossAndGradients reference = ComputeOn(Device::Open("cpu"), model, exact);
  return Judge(DeviationFrom(reference, ComputeOn(device, model, workload)),
               MostDeviation(workload.precision, device), device.name());
}

}  // namespace laptime::trainer
