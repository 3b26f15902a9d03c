#include "server/read_limit.h"

namespace laptime {

bool ReadLimit::Add(size_t bytes) {
  ++messages_;
  bytes_ += bytes;
  paused_ = messages_ >= kMaxPendingMessages || bytes_ >= kMaxPendingBytes;
  return !paused_;
}

bool ReadLimit::Remove(size_t bytes) {
  --messages_;
  bytes_ -= bytes;
  if (!paused_ || messages_ > kMaxPendingMessages / 2 || bytes_ > kMaxPendingBytes / 2)
    return false;
  paused_ = false;
  return true;
}

}  // namespace laptime
