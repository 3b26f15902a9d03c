#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/clock.h"

namespace laptime {

struct InitOptions {
  std::string state_dir;
  std::vector<std::string> names;  // DNS names and IP addresses beside the defaults, and those
                                   // that server.pem is for already
};

// The names that a certificate has anyway: this host's, localhost, 127.0.0.1 and ::1.
std::vector<std::string> DefaultNames();

// `laptime-server init`: makes the authority, the server's certificate and the first
// administrator's token (see TlsPaths) in the state directory, with the database when there is
// none. Returns what to print. A second time only the server's certificate is made anew, for its
// names and those given, and what is missing: ca.pem, from server.pem, and admin.token where no
// administrator's token is good any more. Machines and people keep their credentials.
// kFailedPrecondition with a hint: a coordinator is running on that directory, it cannot be
// written, or the authority cannot be read.
absl::StatusOr<std::string> Initialise(const InitOptions& options, const Clock& clock);

}  // namespace laptime
