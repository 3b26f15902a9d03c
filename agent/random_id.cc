#include "agent/random_id.h"

#include <cstdio>
#include <random>

namespace laptime::agent {

std::string NewUuid() {
  std::random_device random;
  const unsigned a = random(), b = random(), c = random(), d = random();
  char text[37];
  std::snprintf(text, sizeof text, "%08x-%04x-4%03x-%04x-%04x%08x", a, b >> 16, b & 0xfff,
                0x8000 | (c >> 16 & 0x3fff), c & 0xffff, d);
  return text;
}

}  // namespace laptime::agent
