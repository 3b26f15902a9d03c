#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/reader.h"

namespace laptime {

// The preset whose runs tell how a device scatters: `laptime submit calibration --repeat 6`.
inline constexpr char kCalibrationWorkload[] = "calibration";
// Of a device's calibration runs the newest so many count: those of the newest one's work and
// software segment.
inline constexpr int kMostCalibrationRuns = 20;

// A device's noise floor: the smallest difference that can be called real there, as a fraction.
struct DeviceNoise {
  double floor = 0;
  int runs = 0;  // that it comes from
};

// Of each of these devices ("host/name") that has enough calibration runs (see NoiseFloor in
// run_statistics.h).
absl::StatusOr<std::map<std::string, DeviceNoise>> NoiseFloors(
    const storage::Reader& reader, const std::vector<storage::DeviceRow>& devices);

}  // namespace laptime
