#pragma once

#include <cstddef>

namespace laptime {

// A session stops reading its stream while so many of its messages wait for their commit, or so
// many bytes of them, as they lie in memory. Flow control reaches the agent, whose spool is the
// place to wait; one that fills its stream on purpose costs the coordinator no more than this and
// one message.
inline constexpr size_t kMaxPendingMessages = 512;
inline constexpr size_t kMaxPendingBytes = size_t{4} << 20;

// What one stream has handed over and what of it still waits. Reading goes on when half of a limit
// is free again. Not thread-safe.
class ReadLimit {
 public:
  // A message of so many bytes waits. False: no other is to be read before Remove says so.
  bool Add(size_t bytes);
  // It waits no more. True: reading goes on.
  bool Remove(size_t bytes);

 private:
  size_t messages_ = 0;
  size_t bytes_ = 0;
  bool paused_ = false;
};

}  // namespace laptime
