#pragma once

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"

namespace laptime {

// What is meant where none is named.
inline constexpr char kDefaultWorkload[] = "simclr-cifar10";

// The catalog of keys and presets as people read it.
absl::StatusOr<v1::ListWorkloadsResponse> DescribeWorkloads();

}  // namespace laptime
