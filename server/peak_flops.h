#pragma once

#include <optional>
#include <string>

#include "laptime/v1/trainer.pb.h"

namespace laptime {

// The most floating point operations a second that a device reached in a precision of the workload
// ("fp32", "bf16", …), of the probe's matrix product and convolution: what model FLOP utilisation
// (MFU) is a share of. Absent when neither was measured.
std::optional<double> PeakFlops(const v1::ProbeResult& probe, const std::string& precision);

}  // namespace laptime
