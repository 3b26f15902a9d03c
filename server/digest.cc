#include "server/digest.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <cstdlib>

namespace laptime {
namespace {

std::string Hex(const unsigned char* bytes, size_t count) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

}  // namespace

std::string Sha256(const std::string& bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  // Fails only without memory.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    std::abort();
  }
  return Hex(digest.data(), size);
}

std::string NewId() {
  std::array<unsigned char, 6> random;
  // Fails only when the system has no randomness: nothing sensible can go on then.
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) std::abort();
  return Hex(random.data(), random.size());
}

}  // namespace laptime
