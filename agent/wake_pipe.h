#pragma once

#include <chrono>

#include "absl/status/statusor.h"
#include "agent/unique_fd.h"

namespace laptime::agent {

// A pipe to oneself: wakes a thread that waits in poll(). Wake is thread-safe and stays in force:
// once woken, fd() is readable until Drain.
class WakePipe {
 public:
  static absl::StatusOr<WakePipe> Open();

  void Wake();
  void Drain();
  // For poll(): readable once woken.
  int fd() const { return read_.get(); }

 private:
  WakePipe(UniqueFd read, UniqueFd write) : read_(std::move(read)), write_(std::move(write)) {}

  UniqueFd read_;
  UniqueFd write_;
};

// A pipe whose two ends no child inherits.
absl::StatusOr<std::pair<UniqueFd, UniqueFd>> OpenPipe();

// A wait as poll() takes it, which counts milliseconds in an int: a longer one ends after 24 days.
int PollTimeout(std::chrono::milliseconds wait);

// poll() on one descriptor until it is readable or `timeout` is over; true when readable.
bool WaitReadable(int fd, std::chrono::milliseconds timeout);

}  // namespace laptime::agent
