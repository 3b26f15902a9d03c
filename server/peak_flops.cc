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

std::optional<double> PeakFlops(const v1::ProbeResult& probe, const std::string& precision) {
  std::optional<double> peak;
  for (const v1::PeakRate& rate : probe.rates()) {
    const bool computes = rate.unit() == "FLOP/s" && rate.type() == TypeOf(precision);
    if (computes && rate.has_per_second()) peak = std::max(peak.value_or(0), rate.per_second());
  }
  return peak;
}

}  // namespace laptime
