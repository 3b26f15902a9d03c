#include "server/security/certificate_authority.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>

#include "proto/support/status.h"

namespace laptime {
namespace {

// The subject alternative name of a machine's certificate is the URI "laptime:host:ID".
constexpr std::string_view kHostUri = "laptime:host:";
constexpr int kLeastSecurityBits = 112;
constexpr size_t kSerialBytes = 16;

absl::Status Refused(const std::string& doing) {
  return absl::InternalError("OpenSSL refused while " + doing);
}

bool SetTime(ASN1_TIME* time, int64_t unix_ms) {
  return ASN1_TIME_set(time, static_cast<time_t>(unix_ms / 1000)) != nullptr;
}

bool SetRandomSerial(X509* certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  bytes[0] &= 0x7f;  // positive
  using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
  const Number number(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  return number != nullptr &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

struct Extension {
  int nid;
  std::string value;
};

// What a certificate is to say; `issuer` is null for one that signs itself.
struct Content {
  std::string common_name;
  EVP_PKEY* key = nullptr;  // the public half goes in
  X509* issuer = nullptr;
  EVP_PKEY* issuer_key = nullptr;
  int64_t from_unix_ms = 0;
  int64_t to_unix_ms = 0;
  std::vector<Extension> extensions;
};

absl::StatusOr<Certificate> Sign(const Content& content) {
  Certificate made(X509_new());
  if (made == nullptr) return Refused("making a certificate");
  X509* issuer = content.issuer == nullptr ? made.get() : content.issuer;
  X509_NAME* name = X509_get_subject_name(made.get());
  const auto* text = reinterpret_cast<const unsigned char*>(content.common_name.c_str());
  bool good = X509_set_version(made.get(), X509_VERSION_3) == 1 && SetRandomSerial(made.get()) &&
              X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1 &&
              SetTime(X509_getm_notBefore(made.get()), content.from_unix_ms) &&
              SetTime(X509_getm_notAfter(made.get()), content.to_unix_ms) &&
              X509_set_pubkey(made.get(), content.key) == 1 &&
              X509_set_issuer_name(made.get(), X509_get_subject_name(issuer)) == 1;
  for (const Extension& extension : content.extensions) {
    good = good && AddExtension(made.get(), issuer, extension.nid, extension.value);
  }
  if (!good || X509_sign(made.get(), content.issuer_key, EVP_sha256()) <= 0)
    return Refused("signing a certificate");
  return made;
}

bool IsAddress(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, name.c_str(), bytes.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1;
}

// Letters, digits, '-' and '.', and '*' as a first label: nothing that means something to OpenSSL.
bool IsDnsName(const std::string& name) {
  constexpr size_t kMost = 253;
  const std::string rest = name.rfind("*.", 0) == 0 ? name.substr(2) : name;
  return !rest.empty() && name.size() <= kMost && rest.front() != '-' && rest.front() != '.' &&
         std::ranges::all_of(rest, [](unsigned char letter) {
           return std::isalnum(letter) != 0 || letter == '-' || letter == '.' || letter == '_';
         });
}

absl::StatusOr<std::string> AlternativeNames(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (!IsAddress(name) && !IsDnsName(name)) {
      return WithHint(absl::StatusCode::kInvalidArgument,
                      "'" + name + "' is neither a DNS name nor an IP address",
                      "--name box.example.org, --name 192.0.2.7; without port or scheme");
    }
    list += (list.empty() ? "" : ",") + std::string(IsAddress(name) ? "IP:" : "DNS:") + name;
  }
  if (list.empty()) return absl::InvalidArgumentError("a server certificate wants a name");
  return list;
}

int64_t Ms(std::chrono::milliseconds duration) { return duration.count(); }

}  // namespace

bool IsHostId(const std::string& id) {
  return !id.empty() && id.size() <= kMaxHostIdLength &&
         std::ranges::all_of(id, [](unsigned char letter) {
           return std::isalnum(letter) != 0 || letter == '-' || letter == '_' || letter == '.';
         });
}

std::string HostIdOf(const X509& certificate) {
  using Names = std::unique_ptr<GENERAL_NAMES, FreeWith<GENERAL_NAMES_free>>;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr || sk_GENERAL_NAME_num(names.get()) != 1) return "";
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), 0);
  if (name->type != GEN_URI) return "";
  const ASN1_IA5STRING* text = name->d.uniformResourceIdentifier;
  const std::string uri(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                        static_cast<size_t>(ASN1_STRING_length(text)));
  if (uri.rfind(kHostUri, 0) != 0) return "";
  const std::string id = uri.substr(kHostUri.size());
  return IsHostId(id) ? id : "";
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Create(int64_t now_unix_ms) {
  absl::StatusOr<PrivateKey> key = NewPrivateKey();
  if (!key.ok()) return key.status();
  absl::StatusOr<Certificate> certificate =
      Sign({.common_name = "laptime coordinator CA",
            .key = key->get(),
            .issuer_key = key->get(),
            .from_unix_ms = now_unix_ms - Ms(kBackdate),
            .to_unix_ms = now_unix_ms + Ms(kAuthorityLifetime),
            .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                           {NID_key_usage, "critical,keyCertSign,cRLSign"},
                           {NID_subject_key_identifier, "hash"}}});
  if (!certificate.ok()) return certificate.status();
  return CertificateAuthority(*std::move(certificate), *std::move(key));
}

absl::StatusOr<CertificateAuthority> CertificateAuthority::Open(const std::string& certificate_pem,
                                                                const std::string& key_pem) {
  absl::StatusOr<Certificate> certificate = ParseCertificate(certificate_pem);
  if (!certificate.ok()) return certificate.status();
  absl::StatusOr<PrivateKey> key = ParsePrivateKey(key_pem);
  if (!key.ok()) return key.status();
  if (X509_check_private_key(certificate->get(), key->get()) != 1)
    return absl::InvalidArgumentError("the authority's key is not that of its certificate");
  return CertificateAuthority(*std::move(certificate), *std::move(key));
}

bool CertificateAuthority::Signed(X509& certificate) const {
  const bool by_us = X509_verify(&certificate, X509_get0_pubkey(certificate_.get())) == 1;
  ERR_clear_error();  // the thread's next TLS connection must not find it
  return by_us;
}

absl::StatusOr<CertificateAuthority::ServerIdentity> CertificateAuthority::IssueServer(
    const std::vector<std::string>& names, int64_t now_unix_ms,
    std::chrono::milliseconds lifetime) const {
  absl::StatusOr<std::string> alternatives = AlternativeNames(names);
  if (!alternatives.ok()) return alternatives.status();
  absl::StatusOr<PrivateKey> key = NewPrivateKey();
  if (!key.ok()) return key.status();
  absl::StatusOr<Certificate> certificate =
      Sign({.common_name = "laptime coordinator",
            .key = key->get(),
            .issuer = certificate_.get(),
            .issuer_key = key_.get(),
            .from_unix_ms = now_unix_ms - Ms(kBackdate),
            .to_unix_ms = now_unix_ms + Ms(lifetime),
            .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                           {NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "serverAuth"},
                           {NID_authority_key_identifier, "keyid"},
                           {NID_subject_alt_name, *alternatives}}});
  if (!certificate.ok()) return certificate.status();
  return ServerIdentity{PemOf(**certificate) + certificate_pem(), PemOf(**key)};
}

absl::StatusOr<CertificateAuthority::Issued> CertificateAuthority::IssueAgent(
    const std::string& signing_request, const std::string& host_id,
    std::chrono::milliseconds lifetime, int64_t now_unix_ms) const {
  if (!IsHostId(host_id)) {
    return absl::InvalidArgumentError("a machine's id has 1 to " +
                                      std::to_string(kMaxHostIdLength) +
                                      " letters, digits, '-', '_' and '.'");
  }
  if (signing_request.size() > kMaxSigningRequestBytes)
    return absl::InvalidArgumentError("the request for a certificate is too long");
  absl::StatusOr<SigningRequest> request = ParseSigningRequest(signing_request);
  if (!request.ok()) return request.status();
  EVP_PKEY* key = X509_REQ_get0_pubkey(request->get());
  if (key == nullptr || X509_REQ_verify(request->get(), key) != 1 ||
      EVP_PKEY_get_security_bits(key) < kLeastSecurityBits) {
    return absl::InvalidArgumentError(
        "the request for a certificate is not signed with a key of its own that is strong enough");
  }
  const int64_t expires = now_unix_ms + Ms(lifetime);
  absl::StatusOr<Certificate> certificate =
      Sign({.common_name = "laptime agent",
            .key = key,
            .issuer = certificate_.get(),
            .issuer_key = key_.get(),
            .from_unix_ms = now_unix_ms - Ms(kBackdate),
            .to_unix_ms = expires,
            .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                           {NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "clientAuth"},
                           {NID_authority_key_identifier, "keyid"},
                           {NID_subject_alt_name, "URI:" + std::string(kHostUri) + host_id}}});
  if (!certificate.ok()) return certificate.status();
  return Issued{PemOf(**certificate), SerialOf(**certificate), ExpiryUnixMs(**certificate)};
}

}  // namespace laptime
