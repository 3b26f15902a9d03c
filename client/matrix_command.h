#pragma once

#include "absl/status/statusor.h"
#include "client/options.h"
#include "client/session.h"

namespace laptime::client {

// What `matrix` and `fill` share.

// kInvalidArgument: a setting is not KEY=VALUE.
absl::StatusOr<v1::GetMatrixRequest> MatrixRequest(const MatrixOptions& options);

// Returns the exit code.
int PrintMatrix(Session& session, const v1::GetMatrixResponse& matrix);

}  // namespace laptime::client
