#include "server/new_id.h"

#include <openssl/rand.h>

#include <array>
#include <cstdlib>

namespace laptime {

std::string NewId() {
  std::array<unsigned char, 6> random;
  // Fails only when the system has no randomness: nothing sensible can go on then.
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) std::abort();
  constexpr char kDigits[] = "0123456789abcdef";
  std::string id;
  for (const unsigned char byte : random) {
    id += kDigits[byte >> 4];
    id += kDigits[byte & 15];
  }
  return id;
}

}  // namespace laptime
