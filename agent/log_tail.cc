#include "agent/log_tail.h"

#include <utf8proc.h>

#include <algorithm>

namespace laptime::agent {
namespace {

// How many bytes of `text` a chunk takes: at most `limit`, cut before a character rather than
// inside it.
size_t CutLength(const std::string& text, size_t limit) {
  if (text.size() <= limit) return text.size();
  size_t cut = limit;
  while (cut > limit - 4 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return cut;
}

v1::LogChunk TakeFrom(std::string& text, int64_t& offset) {
  const size_t length = CutLength(text, kMaxLogChunkBytes);
  v1::LogChunk chunk;
  chunk.set_offset(offset);
  chunk.set_text(AsUtf8(text.substr(0, length)));
  text.erase(0, length);
  offset += static_cast<int64_t>(length);
  return chunk;
}

}  // namespace

void LogTail::Append(const std::string& bytes) {
  const auto room = static_cast<size_t>(
      std::max<int64_t>(0, kLogHeadBytes - head_offset_ - static_cast<int64_t>(head_.size())));
  const size_t to_head = std::min(room, bytes.size());
  head_.append(bytes, 0, to_head);
  tail_.append(bytes, to_head, std::string::npos);
  if (tail_.size() > kLogTailBytes) {
    const size_t dropped = tail_.size() - kLogTailBytes;
    tail_.erase(0, dropped);
    tail_offset_ += static_cast<int64_t>(dropped);
  }
}

std::optional<v1::LogChunk> LogTail::TakeDue(std::chrono::steady_clock::time_point now) {
  if (now < next_due_) return std::nullopt;
  auto chunk = Take();
  if (chunk) next_due_ = now + kLogChunkPeriod;
  return chunk;
}

std::optional<v1::LogChunk> LogTail::Take() {
  if (!head_.empty()) return TakeFrom(head_, head_offset_);
  if (!tail_.empty()) return TakeFrom(tail_, tail_offset_);
  return std::nullopt;
}

std::string AsUtf8(std::string text) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (size_t i = 0; i < text.size();) {
    utf8proc_int32_t character = 0;
    const auto left = static_cast<utf8proc_ssize_t>(text.size() - i);
    const utf8proc_ssize_t length = utf8proc_iterate(bytes + i, left, &character);
    if (length <= 0) {
      text[i++] = '?';
    } else {
      i += static_cast<size_t>(length);
    }
  }
  return text;
}

}  // namespace laptime::agent
