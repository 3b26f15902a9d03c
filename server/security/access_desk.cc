#include "server/security/access_desk.h"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>

#include "proto/support/access_token.h"
#include "proto/support/log.h"
#include "proto/support/sha256.h"
#include "proto/support/status.h"
#include "server/new_id.h"

namespace laptime {
namespace {

constexpr size_t kSecretBytes = 16;

std::string NewSecret() {
  std::array<unsigned char, kSecretBytes> bytes{};
  // OpenSSL fails here only when the system has no randomness at all: nothing may go on then.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

absl::Status Refuse(const std::string& message, const std::string& hint) {
  return WithHint(absl::StatusCode::kInvalidArgument, message, hint);
}

bool IsLabel(const std::string& label) {
  return label.size() <= kMaxTokenLabel && std::ranges::none_of(label, [](unsigned char letter) {
           constexpr unsigned char kDelete = 0x7f;
           return letter < ' ' || letter == kDelete;
         });
}

absl::Status CheckRequest(const v1::CreateTokenRequest& request) {
  constexpr double kMostSeconds = std::chrono::duration<double>(kMaxTokenLifetime).count();
  if (!v1::Role_IsValid(request.role()) || request.role() == v1::ROLE_UNSPECIFIED)
    return Refuse("the token's role is missing", "--role agent, viewer, user or admin");
  if (!(request.ttl_seconds() >= 0 && request.ttl_seconds() <= kMostSeconds))
    return Refuse("a token is good for at most ten years", "--ttl 1h, --ttl 90d");
  if (request.uses() < 0 || request.uses() > kMaxTokenUses)
    return Refuse("a token has 1 to " + std::to_string(kMaxTokenUses) + " uses", "--uses 1");
  if (request.uses() > 0 && request.role() != v1::ROLE_AGENT) {
    return Refuse("only tokens of agents are used up",
                  "leave --uses out; --ttl bounds a person's token, and it can be revoked");
  }
  if (!IsLabel(request.label())) {
    return Refuse("a token's label has at most " + std::to_string(kMaxTokenLabel) +
                      " bytes, and no control characters",
                  "whose it is: --label anna");
  }
  return absl::OkStatus();
}

v1::Token Describe(const v1::CreateTokenRequest& request, const std::string& by, int64_t now) {
  v1::Token token;
  token.set_role(request.role());
  token.set_label(request.label());
  token.set_created_by(by);
  token.set_created_unix_ms(now);
  const bool agent = request.role() == v1::ROLE_AGENT;
  const double seconds = request.ttl_seconds() == 0 && agent
                             ? std::chrono::duration<double>(kDefaultJoinTokenLifetime).count()
                             : request.ttl_seconds();
  if (seconds > 0) token.set_expires_unix_ms(now + static_cast<int64_t>(seconds * 1000));
  if (agent) token.set_uses_left(std::max(1, request.uses()));
  return token;
}

// One answer for every reason, so that nobody learns which tokens there are.
absl::Status NoSuchToken() {
  return WithHint(absl::StatusCode::kUnauthenticated,
                  "the token is unknown, used up, expired or revoked",
                  "an administrator makes another: laptime token create --role agent");
}

}  // namespace

NewToken MakeToken(v1::Token description, const std::string& ca_sha256) {
  const AccessToken token{NewId(), NewSecret(), ca_sha256};
  description.set_id(token.id);
  return {{std::move(description), Sha256Hex(token.secret)}, token.text()};
}

absl::StatusOr<std::unique_ptr<AccessDesk>> AccessDesk::Open(
    storage::Store& store, const CertificateAuthority* authority, const Clock& clock,
    std::chrono::milliseconds agent_certificate_lifetime) {
  std::vector<storage::TokenRow> tokens;
  std::vector<storage::CertificateRow> certificates;
  LAPTIME_RETURN_IF_ERROR(store.Read([&](const storage::Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<storage::TokenRow>> token_rows = reader.Tokens();
    if (!token_rows.ok()) return token_rows.status();
    tokens = *std::move(token_rows);
    absl::StatusOr<std::vector<storage::CertificateRow>> rows = reader.Certificates();
    if (!rows.ok()) return rows.status();
    certificates = *std::move(rows);
    return absl::OkStatus();
  }));
  if (authority == nullptr && !(tokens.empty() && certificates.empty())) {
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "the database knows tokens or machines with certificates, and ca.pem is not "
                    "beside it: without it nothing here would be secured",
                    "put ca.pem and ca.key back from a copy, then `laptime-server init`; without "
                    "them it makes a new authority, and every machine joins anew");
  }
  return std::unique_ptr<AccessDesk>(new AccessDesk(store, authority, clock,
                                                    agent_certificate_lifetime, std::move(tokens),
                                                    std::move(certificates)));
}

absl::Status AccessDesk::NeedsInit(const std::string& doing) const {
  if (initialised()) return absl::OkStatus();
  return WithHint(absl::StatusCode::kFailedPrecondition,
                  doing + ": this coordinator serves its own machine only, without credentials",
                  "laptime-server init makes it one for other machines");
}

absl::StatusOr<v1::CreateTokenResponse> AccessDesk::CreateToken(
    const v1::CreateTokenRequest& request, const std::string& by) {
  LAPTIME_RETURN_IF_ERROR(NeedsInit("cannot make a token"));
  LAPTIME_RETURN_IF_ERROR(CheckRequest(request));
  const NewToken made = MakeToken(Describe(request, by, now()), authority_->sha256());
  std::vector<std::string> forgotten;
  LAPTIME_RETURN_IF_ERROR(store_.Write([&](storage::Transaction& tx) -> absl::Status {
    const absl::StatusOr<int> live = tx.CountLiveTokens(now());
    if (!live.ok()) return live.status();
    if (*live >= kMaxTokens) {
      return WithHint(absl::StatusCode::kResourceExhausted,
                      "there are " + std::to_string(kMaxTokens) + " tokens already",
                      "`laptime token revoke ID` makes room; laptime token list shows them");
    }
    absl::StatusOr<std::vector<std::string>> old = tx.ForgetDeadTokens(kMaxDeadTokens, now());
    if (!old.ok()) return old.status();
    forgotten = *std::move(old);
    return tx.InsertToken(made.row);
  }));
  for (const std::string& id : forgotten) list_.ForgetToken(id);
  list_.Put(made.row);
  v1::CreateTokenResponse response;
  *response.mutable_token() = made.row.token;
  response.set_text(made.text);
  return response;
}

absl::StatusOr<v1::ListTokensResponse> AccessDesk::ListTokens() const {
  LAPTIME_RETURN_IF_ERROR(NeedsInit("there are no tokens"));
  v1::ListTokensResponse response;
  LAPTIME_RETURN_IF_ERROR(store_.Read([&](const storage::Reader& reader) -> absl::Status {
    absl::StatusOr<std::vector<storage::TokenRow>> rows = reader.Tokens();
    if (!rows.ok()) return rows.status();
    for (storage::TokenRow& row : *rows) *response.add_tokens() = std::move(row.token);
    return absl::OkStatus();
  }));
  return response;
}

absl::StatusOr<v1::Token> AccessDesk::RevokeToken(const std::string& id) {
  LAPTIME_RETURN_IF_ERROR(NeedsInit("cannot revoke a token"));
  v1::Token revoked;
  LAPTIME_RETURN_IF_ERROR(store_.Write([&](storage::Transaction& tx) -> absl::Status {
    LAPTIME_RETURN_IF_ERROR(tx.RevokeToken(id, now()));
    absl::StatusOr<std::vector<storage::TokenRow>> rows = tx.Tokens();
    if (!rows.ok()) return rows.status();
    const bool any_left = HasAdministrator(*rows, now());
    for (storage::TokenRow& row : *rows) {
      if (row.token.id() == id) revoked = std::move(row.token);
    }
    if (any_left || revoked.role() != v1::ROLE_ADMIN) return absl::OkStatus();
    return WithHint(absl::StatusCode::kFailedPrecondition,
                    "token " + id + " is the last one of an administrator",
                    "make another first: laptime token create --role admin");
  }));
  list_.RevokeToken(id, now());
  return revoked;
}

absl::StatusOr<v1::JoinResponse> AccessDesk::Give(
    const std::string& signing_request, const std::string& host_id, const std::string& token_id,
    const std::function<absl::Status(storage::Transaction&)>& also) {
  absl::StatusOr<CertificateAuthority::Issued> issued =
      authority_->IssueAgent(signing_request, host_id, lifetime_, now());
  if (!issued.ok()) return issued.status();
  const storage::CertificateRow row = {issued->serial, host_id, token_id, now(),
                                       issued->expires_unix_ms};
  LAPTIME_RETURN_IF_ERROR(store_.Write([&](storage::Transaction& tx) -> absl::Status {
    LAPTIME_RETURN_IF_ERROR(also(tx));
    return tx.InsertCertificate(row);
  }));
  list_.Put(row);
  v1::JoinResponse response;
  response.set_certificate(issued->certificate);
  response.set_expires_unix_ms(issued->expires_unix_ms);
  return response;
}

absl::StatusOr<v1::JoinResponse> AccessDesk::Join(const v1::JoinRequest& request,
                                                  const std::string& peer) {
  LAPTIME_RETURN_IF_ERROR(NeedsInit("nobody can join"));
  if (!failures_.Allows(peer)) {
    return WithHint(absl::StatusCode::kResourceExhausted,
                    "too many attempts to join failed from that address", "try again in a minute");
  }
  const std::optional<storage::TokenRow> token =
      list_.Find(request.token_id(), request.token_secret(), now());
  if (!token || token->token.role() != v1::ROLE_AGENT) {
    failures_.Failed(peer);
    spdlog::warn("a machine at {} could not join: no such token", AddressOf(peer));
    return NoSuchToken();
  }
  // Whoever holds a join token may bring a machine of its own, not take the place of another.
  if (list_.InForce(request.host_id(), now()) > 0) {
    return WithHint(absl::StatusCode::kAlreadyExists, "that machine has joined already",
                    "`laptime device remove " + Printable(request.host_id()) +
                        "` first, then it can join again");
  }
  bool spent = false;
  absl::StatusOr<v1::JoinResponse> response =
      Give(request.signing_request(), request.host_id(), token->token.id(),
           [&](storage::Transaction& tx) -> absl::Status {
             const absl::StatusOr<bool> used = tx.SpendToken(token->token.id(), now());
             if (!used.ok()) return used.status();
             spent = !*used;
             return *used ? absl::OkStatus() : NoSuchToken();
           });
  if (spent) {
    failures_.Failed(peer);
    spdlog::warn("a machine at {} could not join: its token is used up", AddressOf(peer));
  }
  return response;
}

absl::StatusOr<v1::JoinResponse> AccessDesk::Renew(const v1::RenewRequest& request,
                                                   const Caller& caller) {
  LAPTIME_RETURN_IF_ERROR(NeedsInit("there are no certificates"));
  if (list_.InForce(caller.host_id, now()) >= kMaxCertificates) {
    return absl::ResourceExhaustedError("the machine has " + std::to_string(kMaxCertificates) +
                                        " certificates in force already");
  }
  return Give(request.signing_request(), caller.host_id, "",
              [](storage::Transaction&) { return absl::OkStatus(); });
}

absl::Status AccessDesk::CheckRemovable(const std::string& host,
                                        const AgentRegistry& registry) const {
  if (initialised()) return absl::OkStatus();
  return store_.Read([&](const storage::Reader& reader) -> absl::Status {
    const absl::StatusOr<v1::Host> found = reader.FindHostByName(host);
    if (!found.ok() || !registry.IsAttached(found->id())) return absl::OkStatus();
    return WithHint(
        absl::StatusCode::kFailedPrecondition,
        "host '" + host + "' is attached: without certificates it would be back at once",
        "stop its laptime-agent first");
  });
}

absl::StatusOr<v1::RemoveHostResponse> AccessDesk::RemoveHost(const std::string& host,
                                                              std::string* host_id) {
  v1::RemoveHostResponse response;
  LAPTIME_RETURN_IF_ERROR(store_.Write([&](storage::Transaction& tx) -> absl::Status {
    absl::StatusOr<v1::Host> found = tx.FindHostByName(host);
    if (!found.ok() && list_.InForce(host, now()) > 0) {
      // It has joined and never attached: its id is all that is known.
      found = v1::Host();
      found->set_id(host);
      found->set_name(host);
    }
    if (!found.ok()) {
      return WithHint(
          found.status().code(), MessageOf(found.status()),
          "a machine leaves as a whole: the name before the '/' of laptime device list");
    }
    absl::StatusOr<int> revoked = tx.RevokeCertificates(found->id(), now());
    if (!revoked.ok()) return revoked.status();
    response.set_host(found->name());
    response.set_certificates_revoked(*revoked);
    *host_id = found->id();
    return tx.RemoveHost(found->id(), now());
  }));
  list_.RevokeHost(*host_id);
  return response;
}

void AccessDesk::Audit(v1::AuditEntry entry) {
  entry.set_at_unix_ms(now());
  const absl::Status status = store_.Write(
      [&entry](storage::Transaction& tx) { return tx.InsertAudit(entry, kMaxAuditEntries); });
  if (!status.ok()) {
    spdlog::error("not in the audit log: {} {} {}: {}", entry.who(), entry.action(), entry.detail(),
                  MessageOf(status));
  }
}

}  // namespace laptime
