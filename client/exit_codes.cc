#include "client/exit_codes.h"

#include <string>

namespace laptime::client {
namespace {

// A FAILED_PRECONDITION of SubmitJob that is about devices starts with these words.
constexpr char kNoDevice[] = "no device matches";

}  // namespace

int ExitCodeFor(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
      return kExitUsage;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return kExitNotAllowed;
    case absl::StatusCode::kUnavailable:
      return kExitUnreachable;
    case absl::StatusCode::kFailedPrecondition:
      return std::string(status.message()).rfind(kNoDevice, 0) == 0 ? kExitNoDevice : kExitFailure;
    case absl::StatusCode::kDeadlineExceeded:
      return kExitTimedOut;
    case absl::StatusCode::kCancelled:
      return kExitInterrupted;
    default:
      return kExitFailure;
  }
}

int ExitCodeFor(v1::JobState state) {
  switch (state) {
    case v1::JOB_STATE_SUCCEEDED:
      return kExitOk;
    case v1::JOB_STATE_FAILED:
      return kExitRunFailed;
    case v1::JOB_STATE_CANCELLED:
      return kExitRunCancelled;
    default:
      return kExitFailure;
  }
}

int ExitCodeFor(v1::RunState state) {
  switch (state) {
    case v1::RUN_STATE_SUCCEEDED:
      return kExitOk;
    case v1::RUN_STATE_FAILED:
      return kExitRunFailed;
    case v1::RUN_STATE_CANCELLED:
    case v1::RUN_STATE_LOST:
      return kExitRunCancelled;
    default:
      return kExitFailure;
  }
}

bool IsAnEnd(int code) {
  return code == kExitOk || code == kExitRunFailed || code == kExitRunCancelled;
}

}  // namespace laptime::client
