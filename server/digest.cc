#include "server/digest.h"

#include <openssl/rand.h>

#include <array>
#include <cstdlib>

#include "proto/support/sha256.h"

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

std::string Sha256(const std::string& bytes) { return Sha256Hex(bytes); }

std::string NewId() {
  std::array<unsigned char, 6> random;
  // Fails only when the system has no randomness: nothing sensible can go on then.
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) std::abort();
  return Hex(random.data(), random.size());
}

}  // namespace laptime
