#pragma once

#include <deque>
#include <utility>

#include "proto/support/mutex.h"

namespace laptime {

// The write half of one stream, as StreamSender needs it.
template <typename Message>
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;
  // Starts writing `*message`, which stays valid until OnWriteDone.
  virtual void StartWrite(const Message* message) = 0;
  // Ends this side of the stream. Called exactly once, with no write in flight.
  virtual void End() = 0;
};

// Keeps gRPC's two rules for the write half of a stream: one write in flight, and the end after the
// last of them.
//
// Thread-safe. `writer` must outlive it. The queue is bounded: Send refuses when a peer does not
// read, and the caller decides what to do with such a peer (a slow one must not cost memory).
template <typename Message>
class StreamSender {
 public:
  StreamSender(StreamWriter<Message>& writer, size_t max_queued)
      : writer_(writer), max_queued_(max_queued) {}

  // False when the stream is closing or the queue is full; the message is then dropped.
  bool Send(Message message) {
    MutexLock lock(mu_);
    if (closing_ || queue_.size() >= max_queued_) return false;
    queue_.push_back(std::move(message));
    if (queue_.size() == 1) writer_.StartWrite(&queue_.front());
    return true;
  }

  // The reaction to the end of a write. After a failed write nothing more is written.
  void OnWriteDone(bool ok) {
    MutexLock lock(mu_);
    queue_.pop_front();
    if (!ok) {
      closing_ = true;
      queue_.clear();
    }
    if (!queue_.empty()) {
      writer_.StartWrite(&queue_.front());
    } else if (closing_) {
      EndOnce();
    }
  }

  // Writes what is queued, then ends. With `now`, only the write in flight is waited for.
  void Close(bool now = false) {
    MutexLock lock(mu_);
    closing_ = true;
    if (now && queue_.size() > 1) queue_.erase(queue_.begin() + 1, queue_.end());
    if (queue_.empty()) EndOnce();
  }

 private:
  void EndOnce() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (ended_) return;
    ended_ = true;
    writer_.End();
  }

  // Constant after construction.
  StreamWriter<Message>& writer_;
  const size_t max_queued_;

  Mutex mu_;
  std::deque<Message> queue_ ABSL_GUARDED_BY(mu_);  // the front is in flight
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace laptime
