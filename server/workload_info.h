#pragma once

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"

namespace laptime {

// The catalog of keys and presets as people read it.
absl::StatusOr<v1::ListWorkloadsResponse> DescribeWorkloads();

}  // namespace laptime
