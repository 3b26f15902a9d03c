#pragma once

#include <functional>
#include <istream>
#include <stop_token>
#include <string>

#include "absl/status/statusor.h"
#include "agent/identity.h"
#include "agent/options.h"
#include "laptime/v1/access.grpc.pb.h"
#include "proto/support/clock.h"

namespace laptime::agent {

// A new key, and what `call` answers to the request for its certificate: an identity for `server`.
// The key never leaves this machine.
absl::StatusOr<Identity> GetCertified(
    const std::string& server, const std::string& ca, int64_t now_unix_ms,
    const std::function<absl::StatusOr<v1::JoinResponse>(const std::string& signing_request)>&
        call);

// `laptime-agent join`: makes this state directory a machine of that coordinator. Reads the token
// from options.token_file, or from `in` for "-". With options.if_needed a machine that has joined,
// and whose certificate is still good, is left as it is, also while its agent runs, and so is one
// for which there is no token. The text to print.
absl::StatusOr<std::string> RunJoin(const JoinOptions& options, std::istream& in,
                                    const Clock& clock);

// The next certificate for the same machine, asked for with the last one.
absl::StatusOr<Identity> RenewIdentity(const Identity& identity, int64_t now_unix_ms,
                                       const std::stop_token& stop);

}  // namespace laptime::agent
