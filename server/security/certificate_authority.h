#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/support/pem.h"

namespace laptime {

inline constexpr std::chrono::hours kAuthorityLifetime{10 * 365 * 24};
inline constexpr std::chrono::hours kServerCertificateLifetime{365 * 24};
// Renewed when a third of it is left. A machine that was away for longer joins again.
inline constexpr std::chrono::hours kDefaultAgentCertificateLifetime{90 * 24};
// Certificates are valid from so long before they were made: clocks differ.
inline constexpr std::chrono::hours kBackdate{1};
inline constexpr size_t kMaxHostIdLength = 64;
inline constexpr size_t kMaxSigningRequestBytes = 8 * 1024;

// The coordinator's own certificate authority: signs its server certificate and those of machines.
//
// X.509 v3, keys on P-256, signatures ECDSA with SHA-256, random serial numbers of 127 bits.
// Immutable; signing is thread-safe. Times are ms since 1970, UTC.
class CertificateAuthority {
 public:
  struct Issued {
    std::string certificate;  // PEM
    std::string serial;       // as SerialOf
    int64_t expires_unix_ms = 0;
  };
  struct ServerIdentity {
    std::string chain;  // PEM: its certificate, then the authority's, which tokens pin
    std::string key;    // PEM
  };

  // A new one, with a key of its own.
  static absl::StatusOr<CertificateAuthority> Create(int64_t now_unix_ms);
  // kInvalidArgument when these are no certificate and key, or not of one another.
  static absl::StatusOr<CertificateAuthority> Open(const std::string& certificate_pem,
                                                   const std::string& key_pem);

  std::string certificate_pem() const { return PemOf(*certificate_); }
  std::string key_pem() const { return PemOf(*key_); }
  // What tokens pin.
  std::string sha256() const { return Sha256Of(*certificate_); }

  // Whether its key signed that certificate.
  bool Signed(X509& certificate) const;

  // For a server under these DNS names and IP addresses. kInvalidArgument names the one that is
  // neither.
  absl::StatusOr<ServerIdentity> IssueServer(
      const std::vector<std::string>& names, int64_t now_unix_ms,
      std::chrono::milliseconds lifetime = kServerCertificateLifetime) const;

  // For the machine `host_id`, whatever the request says of itself; the request must be signed with
  // its own key, of at least 112 bits of security. kInvalidArgument.
  absl::StatusOr<Issued> IssueAgent(const std::string& signing_request, const std::string& host_id,
                                    std::chrono::milliseconds lifetime, int64_t now_unix_ms) const;

 private:
  CertificateAuthority(Certificate certificate, PrivateKey key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  Certificate certificate_;
  PrivateKey key_;
};

// 1 to kMaxHostIdLength letters, digits, '-', '_' and '.'.
bool IsHostId(const std::string& id);

// The machine that a certificate of IssueAgent is for; "" for any other certificate.
std::string HostIdOf(const X509& certificate);

}  // namespace laptime
