#pragma once

#include <grpcpp/security/server_credentials.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/clock.h"
#include "server/security/certificate_authority.h"

namespace laptime {

// The files of a coordinator that `laptime-server init` has set up, in its state directory.
//
//   ca.pem, ca.key          the authority (the key is of mode 0600)
//   server.pem, server.key  what the server shows: its certificate and the authority's
//   admin.token             the first administrator's token (0600)
//   tls/current/…           the pair in force: a copy of the last good server.pem and server.key
struct TlsPaths {
  std::filesystem::path state;

  std::filesystem::path ca_certificate() const { return state / "ca.pem"; }
  std::filesystem::path ca_key() const { return state / "ca.key"; }
  std::filesystem::path chain() const { return state / "server.pem"; }
  std::filesystem::path key() const { return state / "server.key"; }
  std::filesystem::path admin_token() const { return state / "admin.token"; }
  std::filesystem::path in_force() const { return state / "tls"; }
};

inline constexpr size_t kMaxPemBytes = 64 * 1024;
// How often server.pem and server.key are looked at.
inline constexpr std::chrono::seconds kTlsCheckPeriod{2};

// Whether `init` has set this state directory up: whether ca.pem is there. kFailedPrecondition with
// a hint where it is not and another part is: a coordinator that lost it must not serve without
// TLS.
absl::StatusOr<bool> IsInitialised(const std::string& state_dir);

// Reads ca.pem and ca.key. kFailedPrecondition with a hint.
absl::StatusOr<CertificateAuthority> ReadAuthority(const TlsPaths& paths);

// Whether that chain and key can serve: they belong together, are valid at that time, and come from
// the authority that tokens pin. kInvalidArgument says what is wrong.
absl::Status CheckServerPair(const std::string& chain_pem, const std::string& key_pem,
                             const CertificateAuthority& authority, int64_t now_unix_ms);

// The DNS names and IP addresses of a server certificate.
std::vector<std::string> NamesOf(const X509& certificate);

// Keeps the server's certificate good while it serves: takes over a new pair that somebody put in
// place (within kTlsCheckPeriod), keeps the last good one where a new one is broken, and makes a
// new one when a third of the lifetime is left. Running connections keep theirs.
//
// Thread-safe: one thread of its own looks. `authority` and `clock` must outlive it.
class TlsFiles {
 public:
  // kFailedPrecondition with a hint when there is no usable pair, neither in place nor the last
  // good one of an earlier life.
  static absl::StatusOr<std::unique_ptr<TlsFiles>> Start(const TlsPaths& paths,
                                                         const CertificateAuthority& authority,
                                                         const Clock& clock);

  // For the port: TLS 1.2 or later, a client certificate is asked for, not demanded; one that is
  // shown must be of the authority.
  std::shared_ptr<grpc::ServerCredentials> credentials() const;

 private:
  TlsFiles(TlsPaths paths, const CertificateAuthority& authority, const Clock& clock)
      : paths_(std::move(paths)), authority_(authority), clock_(clock) {}

  // Makes the pair that lies in place the one in force, if it is another and good.
  absl::Status TakeOver();
  absl::Status RenewIfOld();
  // The pair in force when the coordinator last ran, if it still serves.
  void FindLast();
  void RemoveOlder() const;
  // Says why the pair in place is not taken over, once; "" when nothing is wrong any more.
  void Refuse(const std::string& complaint);
  void Watch(const std::stop_token& stop);

  const TlsPaths paths_;
  const CertificateAuthority& authority_;
  const Clock& clock_;

  // Owned by the thread once it runs.
  std::string in_force_;  // chain and key
  std::string refused_;   // the pair that was last complained of
  int generation_ = 0;

  std::jthread thread_;
};

}  // namespace laptime
