#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "laptime/v1/access.pb.h"
#include "proto/support/clock.h"
#include "server/agent_registry.h"
#include "server/security/access_list.h"
#include "server/security/certificate_authority.h"
#include "server/security/failure_limit.h"
#include "storage/store.h"

namespace laptime {

inline constexpr std::chrono::hours kDefaultJoinTokenLifetime{1};
inline constexpr std::chrono::hours kMaxTokenLifetime{10 * 365 * 24};
inline constexpr int kMaxTokenUses = 10'000;
inline constexpr int kMaxTokens = 10'000;      // that are neither revoked, expired nor used up
inline constexpr int kMaxDeadTokens = 10'000;  // the newest of the others; older ones are forgotten
inline constexpr size_t kMaxTokenLabel = 100;
// Of one machine, in force at the same time.
inline constexpr int kMaxCertificates = 20;
inline constexpr int kMaxAuditEntries = 100'000;  // the newest of each action

// What administrators and joining machines ask for: tokens, certificates, and taking both back.
//
// Thread-safe; methods block on the database. Before `laptime-server init` there is no authority:
// whoever speaks from loopback may do all, and nothing of this can be asked for
// (kFailedPrecondition). What it is given must outlive it.
class AccessDesk {
 public:
  // `authority`: null before init. Reads what the database holds. kFailedPrecondition with a hint
  // where that is credentials and there is no authority: somebody took its files away.
  static absl::StatusOr<std::unique_ptr<AccessDesk>> Open(
      storage::Store& store, const CertificateAuthority* authority, const Clock& clock,
      std::chrono::milliseconds agent_certificate_lifetime);

  bool initialised() const { return authority_ != nullptr; }
  const AccessList& list() const { return list_; }

  // `by`: who asks, for the list. kInvalidArgument; kResourceExhausted: kMaxTokens.
  absl::StatusOr<v1::CreateTokenResponse> CreateToken(const v1::CreateTokenRequest& request,
                                                      const std::string& by);
  absl::StatusOr<v1::ListTokensResponse> ListTokens() const;
  absl::StatusOr<v1::Token> RevokeToken(const std::string& id);

  // See EnrollService.
  absl::StatusOr<v1::JoinResponse> Join(const v1::JoinRequest& request, const std::string& peer);
  absl::StatusOr<v1::JoinResponse> Renew(const v1::RenewRequest& request, const Caller& caller);
  // Whether RemoveHost makes sense: before init a machine that is attached would be back at once.
  absl::Status CheckRemovable(const std::string& host, const AgentRegistry& registry) const;
  // The machine's id goes into `host_id`; its stream is the caller's to cut.
  absl::StatusOr<v1::RemoveHostResponse> RemoveHost(const std::string& host, std::string* host_id);

  // Returns once the entry is durable: who was told that something is done finds it in the log. A
  // database that fails loses it, and the program's log says so.
  void Audit(v1::AuditEntry entry);

 private:
  AccessDesk(storage::Store& store, const CertificateAuthority* authority, const Clock& clock,
             std::chrono::milliseconds lifetime, std::vector<storage::TokenRow> tokens,
             std::vector<storage::CertificateRow> certificates)
      : store_(store),
        authority_(authority),
        clock_(clock),
        lifetime_(lifetime),
        list_(std::move(tokens), std::move(certificates)),
        failures_(clock) {}

  absl::Status NeedsInit(const std::string& doing) const;
  // Makes a certificate, stores it together with `also`, and takes it into the list.
  absl::StatusOr<v1::JoinResponse> Give(
      const std::string& signing_request, const std::string& host_id, const std::string& token_id,
      const std::function<absl::Status(storage::Transaction&)>& also);
  int64_t now() const { return UnixMs(clock_.WallNow()); }

  // Constant after construction.
  storage::Store& store_;
  const CertificateAuthority* authority_;
  const Clock& clock_;
  const std::chrono::milliseconds lifetime_;

  // Provide their own synchronization.
  AccessList list_;
  FailureLimit failures_;
};

// A fresh token of that description: the row to store, and the text for its user.
struct NewToken {
  storage::TokenRow row;
  std::string text;
};
NewToken MakeToken(v1::Token description, const std::string& ca_sha256);

}  // namespace laptime
