#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/testing/temp_dir.h"

// What the fuzz targets share. Each target is one file with LLVMFuzzerTestOneInput, which libFuzzer
// calls on one thread; no state may pass from one call to the next.
namespace laptime::fuzz {

// A crash, which libFuzzer notes with its input: what must hold for every input does not.
inline void Must(bool holds, const std::string& what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what.c_str());
  std::abort();
}

// The bytes of an input, taken from the front.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : text_(reinterpret_cast<const char*>(data), size) {}

  // 0 once nothing is left.
  uint8_t Byte() { return at_ < text_.size() ? static_cast<uint8_t>(text_[at_++]) : 0; }
  // Up to the next byte 0xFF, which no UTF-8 holds, or the end.
  std::string Piece() {
    const size_t end = std::min(text_.find('\xff', at_), text_.size());
    std::string piece = text_.substr(at_, end - at_);
    at_ = std::min(end + 1, text_.size());
    return piece;
  }
  std::string Bytes(size_t count) {
    std::string bytes = text_.substr(at_, count);
    at_ += bytes.size();
    return bytes;
  }
  std::string Rest() { return Bytes(text_.size()); }
  bool empty() const { return at_ >= text_.size(); }

 private:
  const std::string text_;
  size_t at_ = 0;
};

// A directory that goes with the process. TMPDIR should lie in memory: tests/fuzz/run sees to it.
inline const testing::TempDir& Scratch() {
  static const testing::TempDir dir;
  return dir;
}

// The text as a file for what reads files.
inline std::string FileWith(const std::string& name, const std::string& text) {
  const std::string path = Scratch().File(name);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  return path;
}

}  // namespace laptime::fuzz
