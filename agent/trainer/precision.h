#pragma once

#include "agent/trainer/config.h"
#include "agent/trainer/device.h"

namespace laptime::trainer {

// Whether this CPU has instructions for bf16 or fp16; without them it would be slower than fp32 by
// far. True for fp32.
bool CpuComputes(Precision precision);

// Throws TrainerError (setup) when the device cannot do the precision at a sensible speed.
void CheckPrecision(Precision precision, const Device& device);

// Sets what LibTorch decides process-wide: TF32, cuDNN's search for the fastest kernel.
void ApplyPrecision(Precision precision);

// While it lives, forward passes of this thread compute in the precision's type (autocast).
class PrecisionScope {
 public:
  PrecisionScope(Precision precision, const Device& device);
  ~PrecisionScope();

  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  const bool autocast_;
  const c10::DeviceType device_;
};

}  // namespace laptime::trainer
