#include "server/peak_flops.h"

#include <algorithm>

namespace laptime {
namespace {

// LibTorch's name of the type that a precision computes in.
const char* TypeOf(const std::string& precision) {
  if (precision == "bf16") return "bfloat16";
  if (precision == "fp16") return "float16";
  return "float32";
}

}  // namespace

std::optional<double> PeakFlops(const std::vector<v1::PeakRate>& rates, v1::DeviceKind kind,
                                const std::string& precision) {
  const bool without_tf32 = kind == v1::DEVICE_KIND_CUDA && precision == "fp32-strict";
  std::optional<double> peak;
  for (const v1::PeakRate& rate : rates) {
    if (without_tf32 && rate.operation() != "matmul") continue;
    const bool computes = rate.unit() == "FLOP/s" && rate.type() == TypeOf(precision);
    if (computes && rate.has_per_second()) peak = std::max(peak.value_or(0), rate.per_second());
  }
  return peak;
}

}  // namespace laptime
