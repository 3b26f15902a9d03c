#include "server/auth.h"

#include "proto/support/status.h"

namespace laptime {

absl::Status Authenticator::CheckPeer(const std::string& peer) const {
  if (trust_(peer)) return absl::OkStatus();
  return WithHint(absl::StatusCode::kPermissionDenied, "calls from " + peer + " are refused",
                  "this coordinator serves its own machine only");
}

}  // namespace laptime
