#include "proto/support/sha256.h"

#include <openssl/evp.h>

#include <array>
#include <cstdlib>

namespace laptime {
namespace {

// OpenSSL's digests fail only without memory.
void Require(int result) {
  if (result != 1) std::abort();
}

}  // namespace

Sha256Digest::Sha256Digest() : context_(EVP_MD_CTX_new()) {
  Require(EVP_DigestInit_ex(context_, EVP_sha256(), nullptr));
}

Sha256Digest::~Sha256Digest() { EVP_MD_CTX_free(context_); }

void Sha256Digest::Update(const void* bytes, size_t size) {
  Require(EVP_DigestUpdate(context_, bytes, size));
}

std::string Sha256Digest::Finish() {
  constexpr char kDigits[] = "0123456789abcdef";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  Require(EVP_DigestFinal_ex(context_, digest.data(), &size));
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += kDigits[digest.at(i) >> 4];
    hex += kDigits[digest.at(i) & 15];
  }
  return hex;
}

std::string Sha256Hex(const std::string& bytes) {
  Sha256Digest digest;
  digest.Update(bytes.data(), bytes.size());
  return digest.Finish();
}

}  // namespace laptime
