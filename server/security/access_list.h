#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/support/mutex.h"
#include "storage/reader.h"

namespace laptime {

// "agent", "viewer", "user", "admin".
std::string RoleName(v1::Role role);

// Neither revoked nor expired.
bool IsGood(const v1::Token& token, int64_t now_unix_ms);
// Whether one of the tokens is an administrator's and good.
bool HasAdministrator(const std::vector<storage::TokenRow>& tokens, int64_t now_unix_ms);

// Who is calling, once the credentials were found good.
struct Caller {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  std::string name{};      // for the audit log: "admin init", "agent 6fb1…"
  std::string host_id{};   // of a machine: it may speak for this host alone; "" may speak for any
  std::string token_id{};  // of a person
  std::string serial{};    // of a machine's certificate
};

// The tokens and certificates that the database holds, in memory, so that every call can be checked
// without a query. Whoever changes the database changes this after the commit.
//
// Thread-safe.
class AccessList {
 public:
  AccessList(std::vector<storage::TokenRow> tokens,
             std::vector<storage::CertificateRow> certificates);

  void Put(const storage::TokenRow& token);
  void Put(const storage::CertificateRow& certificate);
  void RevokeToken(const std::string& id, int64_t now_unix_ms);
  void ForgetToken(const std::string& id);
  void RevokeHost(const std::string& host_id);

  // The token of that id, if `secret` is its secret (compared in constant time), it is not revoked
  // and has not expired.
  std::optional<storage::TokenRow> Find(const std::string& id, const std::string& secret,
                                        int64_t now_unix_ms) const;
  // A person, by a token that is not a machine's.
  std::optional<Caller> Person(const std::string& id, const std::string& secret,
                               int64_t now_unix_ms) const;
  // A machine, by a certificate that this coordinator gave to it.
  std::optional<Caller> Machine(const std::string& serial, const std::string& host_id,
                                int64_t now_unix_ms) const;

  // Whether what `caller` came with is still good: for calls that last.
  bool StillGood(const Caller& caller, int64_t now_unix_ms) const;
  // How many certificates of the host are in force.
  int InForce(const std::string& host_id, int64_t now_unix_ms) const;

 private:
  mutable Mutex mu_;
  std::map<std::string, storage::TokenRow> tokens_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, storage::CertificateRow> certificates_ ABSL_GUARDED_BY(mu_);
};

}  // namespace laptime
