#pragma once

#include <optional>
#include <string>
#include <vector>

#include "laptime/v1/common.pb.h"
#include "laptime/v1/trainer.pb.h"

namespace laptime {

// The most floating point operations a second that a device reached in a precision of the workload
// ("fp32", "bf16", …), of the probe's matrix product and convolution: what model FLOP utilisation
// (MFU) is a share of. Absent when neither was measured.
//
// On CUDA the probe's float32 convolution is in TF32 where the device has it, as that of precision
// fp32 is; its matrix product never is, so that fp32-strict is held against that alone.
std::optional<double> PeakFlops(const std::vector<v1::PeakRate>& rates, v1::DeviceKind kind,
                                const std::string& precision);

}  // namespace laptime
