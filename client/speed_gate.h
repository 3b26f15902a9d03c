#pragma once

#include "absl/status/statusor.h"
#include "laptime/v1/control.pb.h"

namespace laptime::client {

// `compare --fail-if-slower`: whether B takes more than `allowed_percent` longer than A for
// certain, that is whether the whole 95 % interval of the ratio lies beyond. kFailedPrecondition
// when there is no interval: a gate that cannot judge must not let pass.
absl::StatusOr<bool> IsSlower(const v1::Comparison& comparison, double allowed_percent);

}  // namespace laptime::client
