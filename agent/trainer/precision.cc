#include "agent/trainer/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/cpu/Utils.h>

#include <string>

#include "agent/trainer/failure.h"

namespace laptime::trainer {

bool CpuComputesBf16() {
  for (const auto& [name, value] : at::cpu::get_cpu_capabilities()) {
    const bool bf16 =
        name == "avx512_bf16" || name == "amx_bf16" || name == "arm_bf16" || name == "bf16";
    if (bf16 && value.isBool() && value.toBool()) return true;
  }
  return false;
}

void ApplyPrecision(Precision precision, const Device& device) {
  if (precision == Precision::kBf16 && device.cpu() && !CpuComputesBf16()) {
    throw TrainerError(
        FailureCause::kSetup,
        "precision bf16: this CPU has neither AVX512_BF16 nor AMX, so it would be an order of "
        "magnitude slower than fp32",
        "--set precision=fp32, or another device");
  }
  at::Context& context = at::globalContext();
  if (precision == Precision::kFp32Strict) {
    context.setAllowTF32CuDNN(false);
    context.setAllowTF32CuBLAS(false);
  }
  // Shapes never change, so the search pays within the first steps.
  context.setBenchmarkCuDNN(true);
}

PrecisionScope::PrecisionScope(Precision precision, const Device& device)
    : autocast_(precision == Precision::kBf16), device_(device.torch().type()) {
  if (!autocast_) return;
  at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  at::autocast::set_autocast_enabled(device_, true);
}

PrecisionScope::~PrecisionScope() {
  if (!autocast_) return;
  at::autocast::set_autocast_enabled(device_, false);
  // The 16-bit copies of the weights are of this step.
  at::autocast::clear_cache();
}

}  // namespace laptime::trainer
