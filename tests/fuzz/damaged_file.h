#pragma once

#include <string>

#include "tests/fuzz/harness.h"

namespace laptime::fuzz {

inline std::string ReadBytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The good file with changes that the input tells: after a first byte of 1 any bytes instead; else
// pieces of "where" (three bytes), "how many" (one byte) and so many bytes; "how many" 255 cuts the
// file off there. So what is changed lies anywhere in a file that is otherwise right.
inline std::string Damaged(const std::string& good, Input& input) {
  if (input.Byte() == 1) return input.Rest();
  std::string bytes = good;
  while (!input.empty() && !bytes.empty()) {
    const size_t where = (size_t{input.Byte()} << 16 | size_t{input.Byte()} << 8 | input.Byte());
    const size_t at = where % bytes.size();
    const uint8_t count = input.Byte();
    if (count == 255) {
      bytes.resize(at);
    } else {
      const std::string change = input.Bytes(count % 16);
      bytes.replace(at, std::min(change.size(), bytes.size() - at), change);
    }
  }
  return bytes;
}

// A SQLite file with all that lies beside it.
inline void RemoveDatabase(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock"}) {
    std::error_code ignored;
    std::filesystem::remove(path + suffix, ignored);
  }
}

}  // namespace laptime::fuzz
