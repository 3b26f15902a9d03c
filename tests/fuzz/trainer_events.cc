// What a trainer writes: event lines on standard output, text on standard error.

#include "agent/trainer_events.h"

#include "agent/log_tail.h"
#include "tests/fuzz/harness.h"

namespace {

using laptime::fuzz::Must;

bool Shows(const std::string& text) {
  for (const char letter : text)
    if (static_cast<unsigned char>(letter) < 0x20 || letter == 0x7f) return false;
  return true;
}

// The same bytes in two halves, as a pipe may deliver them.
void Lines(const std::string& bytes, size_t cut) {
  laptime::agent::LineReader reader;
  cut = bytes.empty() ? 0 : cut % bytes.size();
  for (const std::string& half : {bytes.substr(0, cut), bytes.substr(cut)}) {
    const auto lines = reader.Append(half);
    if (!lines.ok()) return;
    for (const std::string& line : *lines) {
      Must(!line.empty() && line.find('\n') == std::string::npos, "a line is a line");
      const auto event = laptime::agent::ParseTrainerEvent(line);
      if (!event.ok())
        Must(Shows(std::string(event.status().message())), "an excerpt is printable");
    }
  }
}

void Log(const std::string& bytes, size_t cut) {
  laptime::agent::LogTail tail;
  int64_t end = 0;
  for (size_t at = 0; at < bytes.size(); at += cut + 1) {
    tail.Append(bytes.substr(at, cut + 1));
    const auto chunk = tail.Take();
    if (!chunk) continue;
    Must(chunk->offset() >= end, "chunks of a log come in their order");
    end = chunk->offset() + static_cast<int64_t>(chunk->text().size());
    Must(laptime::agent::AsUtf8(chunk->text()) == chunk->text(), "a log chunk is UTF-8");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  laptime::fuzz::Input input(data, size);
  const bool log = (input.Byte() & 1) != 0;
  const size_t cut = input.Byte();
  if (log) {
    Log(input.Rest(), cut);
  } else {
    Lines(input.Rest(), cut);
  }
  return 0;
}
