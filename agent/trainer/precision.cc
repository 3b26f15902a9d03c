#include "agent/trainer/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/cpu/Utils.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/trainer/failure.h"

namespace laptime::trainer {

namespace {

std::vector<std::string> InstructionsFor(Precision precision) {
  if (precision == Precision::kBf16) return {"avx512_bf16", "amx_bf16", "arm_bf16", "bf16"};
  if (precision == Precision::kFp16) return {"avx512_fp16", "amx_fp16", "fphp"};
  return {};
}

at::ScalarType AutocastType(Precision precision) {
  return precision == Precision::kFp16 ? at::kHalf : at::kBFloat16;
}

}  // namespace

bool CpuComputes(Precision precision) {
  const std::vector<std::string> wanted = InstructionsFor(precision);
  if (wanted.empty()) return true;
  for (const auto& [name, value] : at::cpu::get_cpu_capabilities()) {
    if (std::ranges::find(wanted, name) != wanted.end() && value.isBool() && value.toBool())
      return true;
  }
  return false;
}

void CheckPrecision(Precision precision, const Device& device) {
  if (!device.cpu() || CpuComputes(precision)) return;
  const bool bf16 = precision == Precision::kBf16;
  throw TrainerError(FailureCause::kSetup,
                     std::string("precision ") + (bf16 ? "bf16" : "fp16") +
                         ": this CPU has neither AVX512_" + (bf16 ? "BF16" : "FP16") +
                         " nor AMX for it, so it would be slower than fp32",
                     "--set precision=fp32, or another device");
}

void ApplyPrecision(Precision precision) {
  at::Context& context = at::globalContext();
  const bool strict = precision == Precision::kFp32Strict;
  // As LibTorch has them by itself: TF32 for convolutions, not for matrices.
  context.setAllowTF32CuDNN(!strict);
  context.setAllowTF32CuBLAS(false);
  // Shapes never change, so the search pays within the first steps.
  context.setBenchmarkCuDNN(true);
}

PrecisionScope::PrecisionScope(Precision precision, const Device& device)
    : autocast_(precision == Precision::kBf16 || precision == Precision::kFp16),
      device_(device.torch().type()) {
  if (!autocast_) return;
  at::autocast::set_autocast_dtype(device_, AutocastType(precision));
  at::autocast::set_autocast_enabled(device_, true);
}

PrecisionScope::~PrecisionScope() {
  if (!autocast_) return;
  at::autocast::set_autocast_enabled(device_, false);
  // The 16-bit copies of the weights are of this step.
  at::autocast::clear_cache();
}

}  // namespace laptime::trainer
