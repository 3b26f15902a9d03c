#pragma once

#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "proto/support/channel.h"
#include "proto/support/clock.h"
#include "proto/support/line_limit.h"
#include "server/security/access_list.h"

namespace laptime {

inline constexpr int kRefusalsPerMinute = 20;

// What ends a call of somebody who was let in before: kUnauthenticated.
absl::Status CredentialsRevoked();

// Says who calls, and whether that one may; the first line of every handler.
//
// Thread-safe. Two kinds, chosen once at start:
//   - before `laptime-server init`: whoever speaks from this machine's loopback may do all;
//   - after it: a machine shows its certificate, a person sends "authorization: Bearer ID.SECRET",
//     and server/security/method_access.cc says who may do what.
class Authenticator {
 public:
  // Whether a peer, as gRPC writes it ("ipv4:127.0.0.1:5000", "ipv6:%5B::1%5D:5000", "unix:…"), is
  // trusted.
  using Trust = std::function<bool(const std::string& peer)>;

  explicit Authenticator(Trust trust = IsLoopback) : trust_(std::move(trust)) {}
  // `list` and `clock` must outlive it.
  Authenticator(const AccessList& list, const Clock& clock) : list_(&list), clock_(&clock) {}

  // `method` is the descriptor's full name. kUnauthenticated: nobody known; kPermissionDenied:
  // somebody who may not. Both carry a hint, and are told in the program's log, kRefusalsPerMinute
  // at most.
  absl::StatusOr<Caller> Check(const grpc::ServerContextBase& context,
                               const std::string& method) const;

  // Whether a caller who was let in would still be: asked now and then by calls that last.
  bool StillGood(const Caller& caller) const;

  absl::StatusOr<Caller> CheckPeer(const std::string& peer) const;

 private:
  absl::StatusOr<Caller> Identify(const grpc::ServerContextBase& context) const;
  absl::StatusOr<Caller> CheckAccess(const grpc::ServerContextBase& context,
                                     const std::string& method) const;

  const Trust trust_;
  const AccessList* const list_ = nullptr;  // null: the first kind
  const Clock* const clock_ = nullptr;
  const std::shared_ptr<LineLimit> refusals_ = std::make_shared<LineLimit>(kRefusalsPerMinute);
};

}  // namespace laptime
