#pragma once

#include <grpcpp/server_context.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "proto/support/channel.h"

namespace laptime {

// Says whether a call may go on; the first line of every handler.
//
// Thread-safe. Until certificates exist the rule is: whoever speaks from this machine's loopback is
// trusted, any other address is refused.
class Authenticator {
 public:
  // Whether a peer, as gRPC writes it ("ipv4:127.0.0.1:5000", "ipv6:%5B::1%5D:5000", "unix:…"), is
  // trusted.
  using Trust = std::function<bool(const std::string& peer)>;

  explicit Authenticator(Trust trust = IsLoopback) : trust_(std::move(trust)) {}

  // kPermissionDenied with a hint.
  absl::Status Check(const grpc::ServerContextBase& context) const {
    return CheckPeer(context.peer());
  }

  absl::Status CheckPeer(const std::string& peer) const;

 private:
  const Trust trust_;
};

}  // namespace laptime
