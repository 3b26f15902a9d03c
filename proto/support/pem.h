#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace laptime {

// OpenSSL's objects as values that free themselves.
template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using SigningRequest = std::unique_ptr<X509_REQ, FreeWith<X509_REQ_free>>;

// A new key pair on the curve P-256. kInternal: OpenSSL refused.
absl::StatusOr<PrivateKey> NewPrivateKey();

// As PEM. Writing a key gives unencrypted PKCS #8: keep it in a file of mode 0600.
std::string PemOf(const X509& certificate);
std::string PemOf(const EVP_PKEY& key);

// From PEM; kInvalidArgument for anything else. A chain gives at least one certificate, the leaf
// first.
absl::StatusOr<Certificate> ParseCertificate(const std::string& pem);
absl::StatusOr<std::vector<Certificate>> ParseChain(const std::string& pem);
absl::StatusOr<PrivateKey> ParsePrivateKey(const std::string& pem);
absl::StatusOr<SigningRequest> ParseSigningRequest(const std::string& pem);

// A request (PKCS #10, PEM) for a certificate of that key, signed with it. It names nobody: who the
// certificate is for is the coordinator's decision.
absl::StatusOr<std::string> NewSigningRequest(EVP_PKEY& key);

// Lower-case hex SHA-256 of the certificate's DER form: what a token pins.
std::string Sha256Of(const X509& certificate);

// From when on, and until when, the certificate is valid, in ms since 1970, UTC.
int64_t ValidFromUnixMs(const X509& certificate);
int64_t ExpiryUnixMs(const X509& certificate);

// The serial number, lower-case hex.
std::string SerialOf(const X509& certificate);

}  // namespace laptime
