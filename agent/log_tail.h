#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "laptime/v1/agent.pb.h"

namespace laptime::agent {

// Of an attempt's log the beginning and the end are kept; what a chatty trainer writes between is
// left out.
inline constexpr int64_t kLogHeadBytes = 64 * 1024;
inline constexpr int64_t kLogTailBytes = 256 * 1024;
inline constexpr size_t kMaxLogChunkBytes = 32 * 1024;
inline constexpr std::chrono::seconds kLogChunkPeriod{1};

// Collects what a trainer writes to standard error and gives it back in chunks with offsets, at
// most one a kLogChunkPeriod while it runs. Bytes that are no UTF-8 become '?', so offsets stay
// true. Not thread-safe.
class LogTail {
 public:
  void Append(const std::string& bytes);

  // The next chunk when one is due.
  std::optional<v1::LogChunk> TakeDue(std::chrono::steady_clock::time_point now);
  // The next chunk at once, for the end of the attempt; nullopt when all is taken.
  std::optional<v1::LogChunk> Take();

  bool empty() const { return head_.empty() && tail_.empty(); }
  // When TakeDue has something to give; meaningless when empty.
  std::chrono::steady_clock::time_point next_due() const { return next_due_; }

 private:
  // Waiting to be taken: of the first kLogHeadBytes, and the last kLogTailBytes after them.
  std::string head_;
  std::string tail_;
  int64_t head_offset_ = 0;              // of head_[0]
  int64_t tail_offset_ = kLogHeadBytes;  // of tail_[0]
  std::chrono::steady_clock::time_point next_due_{};
};

// `text` with each byte that is not part of valid UTF-8 replaced by '?'.
std::string AsUtf8(std::string text);

}  // namespace laptime::agent
