#include "tests/faults/tally.h"

#include <algorithm>
#include <cstdlib>

namespace laptime::faults {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

void Tally::Count(const Findings& findings) {
  ++tried;
  lost += findings.lost;
  doubled += findings.doubled;
  if (findings.ok()) ++survived;
}

int Times(int briefly, int at_length) {
  if (Environment("LAPTIME_FAULTS") == "long") return at_length;
#ifdef LAPTIME_SANITIZED
  return std::max(1, briefly / 5);
#else
  return briefly;
#endif
}

int EveryNth(int briefly) {
  if (Environment("LAPTIME_FAULTS") == "long") return 1;
#ifdef LAPTIME_SANITIZED
  return 5 * briefly;
#else
  return briefly;
#endif
}

uint64_t Seed() {
  const std::string seed = Environment("LAPTIME_FAULTS_SEED");
  return seed.empty() ? 1 : std::strtoull(seed.c_str(), nullptr, 10);
}

}  // namespace laptime::faults
