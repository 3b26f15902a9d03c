// The control: a parser with a mistake of a kind that is easily made, which the short run must find
// (tests/fuzz/control). It reads "KEY=LENGTH:bytes" and believes the length.

#include <cstring>
#include <vector>

#include "tests/fuzz/harness.h"

namespace {

int Sum(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == std::string::npos || text.compare(0, equals, "size") != 0) return 0;
  const size_t colon = text.find(':', equals);
  if (colon == std::string::npos || colon - equals > 4) return 0;
  const auto length = static_cast<size_t>(std::atoi(text.c_str() + equals + 1));
  const std::vector<char> bytes(text.begin() + static_cast<std::ptrdiff_t>(colon) + 1, text.end());
  int sum = 0;
  for (size_t i = 0; i < length; ++i) sum += bytes.data()[i];
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  return Sum(laptime::fuzz::Input(data, size).Rest()) == -1 ? -1 : 0;
}
