#include "proto/support/pem.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <ctime>

#include "proto/support/sha256.h"

namespace laptime {
namespace {

using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;

absl::Status Refused(const std::string& doing) {
  char text[256] = "";
  ERR_error_string_n(ERR_get_error(), text, sizeof(text));
  ERR_clear_error();
  return absl::InternalError(doing + ": " + text);
}

absl::Status NotPem(const std::string& what) {
  ERR_clear_error();
  return absl::InvalidArgumentError("that is no " + what + " in PEM form");
}

Bio Reading(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string Written(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : "";
}

int64_t UnixMsOf(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<int64_t>(timegm(&parts)) * 1000 : 0;
}

// Nobody sits there: an encrypted key is refused instead of asked for.
int NoPassword(char*, int, int, void*) { return 0; }

}  // namespace

absl::StatusOr<PrivateKey> NewPrivateKey() {
  PrivateKey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return Refused("making a key");
  return key;
}

std::string PemOf(const X509& certificate) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), &certificate);
  return Written(bio.get());
}

std::string PemOf(const EVP_PKEY& key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr);
  return Written(bio.get());
}

absl::StatusOr<std::vector<Certificate>> ParseChain(const std::string& pem) {
  const Bio bio = Reading(pem);
  std::vector<Certificate> chain;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    chain.emplace_back(one);
  }
  ERR_clear_error();  // the end of the text is an error to OpenSSL
  if (chain.empty()) return NotPem("certificate");
  return chain;
}

absl::StatusOr<Certificate> ParseCertificate(const std::string& pem) {
  absl::StatusOr<std::vector<Certificate>> chain = ParseChain(pem);
  if (!chain.ok()) return chain.status();
  Certificate leaf = std::move(chain->front());
  return leaf;
}

absl::StatusOr<PrivateKey> ParsePrivateKey(const std::string& pem) {
  PrivateKey key(PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, NoPassword, nullptr));
  if (key == nullptr) return NotPem("private key");
  return key;
}

absl::StatusOr<SigningRequest> ParseSigningRequest(const std::string& pem) {
  SigningRequest request(PEM_read_bio_X509_REQ(Reading(pem).get(), nullptr, NoPassword, nullptr));
  if (request == nullptr) return NotPem("request for a certificate");
  return request;
}

absl::StatusOr<std::string> NewSigningRequest(EVP_PKEY& key) {
  const SigningRequest request(X509_REQ_new());
  if (request == nullptr || X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(request.get(), &key) != 1 ||
      X509_REQ_sign(request.get(), &key, EVP_sha256()) <= 0) {
    return Refused("making a request for a certificate");
  }
  const Bio bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509_REQ(bio.get(), request.get());
  return Written(bio.get());
}

std::string Sha256Of(const X509& certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(&certificate, &der);
  if (size <= 0) return "";
  const std::string bytes(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return Sha256Hex(bytes);
}

int64_t ValidFromUnixMs(const X509& certificate) {
  return UnixMsOf(X509_get0_notBefore(&certificate));
}

int64_t ExpiryUnixMs(const X509& certificate) { return UnixMsOf(X509_get0_notAfter(&certificate)); }

std::string SerialOf(const X509& certificate) {
  using Number = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;
  const Number number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(&certificate), nullptr));
  if (number == nullptr) return "";
  char* hex = BN_bn2hex(number.get());
  std::string text = hex == nullptr ? "" : hex;
  OPENSSL_free(hex);
  for (char& letter : text) letter = static_cast<char>(std::tolower(letter));
  return text;
}

}  // namespace laptime
