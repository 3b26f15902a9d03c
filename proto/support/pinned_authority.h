#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"

namespace laptime {

inline constexpr std::chrono::seconds kPinnedConnectTimeout{10};

// Asks the coordinator at `address` ("box:7440", "[::1]:7440") for its certificates, in a TLS
// handshake that tells it nothing, and returns the one whose SHA-256 (of its DER form, lower-case
// hex) is `sha256`, as PEM. With it as the only authority a channel then trusts no other server:
// the secret of a token goes to the coordinator that made it, or nowhere.
//
// Blocks, at most kPinnedConnectTimeout. kUnavailable: nobody there speaks TLS; kUnauthenticated:
// it is another coordinator, or somebody in between. Both with a hint.
absl::StatusOr<std::string> FetchPinnedAuthority(const std::string& address,
                                                 const std::string& sha256);

// Whether somebody at `address` takes a connection: says something in it (unasked, as a gRPC server
// does, or to the beginning of a handshake where `tls`), or ends it. Blocks, at most `limit`.
// kUnavailable.
absl::Status CheckAnswers(const std::string& address, bool tls, std::chrono::milliseconds limit);

}  // namespace laptime
