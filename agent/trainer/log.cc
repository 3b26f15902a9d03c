#include "agent/trainer/log.h"

#include <cstdio>

namespace laptime::trainer {

namespace {

std::string& Prefix() {
  static std::string prefix;
  return prefix;
}

}  // namespace

void Log(const std::string& line) {
  std::fprintf(stderr, "%s%s\n", Prefix().c_str(), line.c_str());
}

void SetLogPrefix(const std::string& prefix) { Prefix() = prefix; }

std::string Decimals(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

}  // namespace laptime::trainer
