#include "agent/trainer/log.h"

#include <cstdio>

namespace laptime::trainer {

void Log(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

std::string Decimals(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

}  // namespace laptime::trainer
