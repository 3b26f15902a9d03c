#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status of `expression` from the current function unless it is OK.
#define LAPTIME_RETURN_IF_ERROR(expression)          \
  do {                                               \
    absl::Status laptime_status = (expression);      \
    if (!laptime_status.ok()) return laptime_status; \
  } while (false)

namespace laptime {

// The only conversions between the two status types. Their codes carry the same numbers.
grpc::Status ToGrpc(const absl::Status& status);
absl::Status FromGrpc(const grpc::Status& status);

// An error that tells the reader what to do: `message`, a line break, `hint`. HintOf is empty
// without one.
absl::Status WithHint(absl::StatusCode code, const std::string& message, const std::string& hint);
std::string MessageOf(const absl::Status& status);
std::string HintOf(const absl::Status& status);

}  // namespace laptime
