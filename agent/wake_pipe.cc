#include "agent/wake_pipe.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

namespace laptime::agent {
namespace {

void SetNonBlocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

}  // namespace

absl::StatusOr<std::pair<UniqueFd, UniqueFd>> OpenPipe() {
  int ends[2];
#ifdef __APPLE__
  const int result = pipe(ends);
#else
  const int result = pipe2(ends, O_CLOEXEC);
#endif
  if (result != 0) {
    return absl::ResourceExhaustedError(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

absl::StatusOr<WakePipe> WakePipe::Open() {
  auto ends = OpenPipe();
  if (!ends.ok()) return ends.status();
  SetNonBlocking(ends->first.get());
  SetNonBlocking(ends->second.get());
  return WakePipe(std::move(ends->first), std::move(ends->second));
}

void WakePipe::Wake() {
  // A full pipe is as awake as it gets.
  [[maybe_unused]] const ssize_t written = write(write_.get(), "w", 1);
}

void WakePipe::Drain() {
  char bytes[64];
  while (read(read_.get(), bytes, sizeof bytes) > 0) {
  }
}

int PollTimeout(std::chrono::milliseconds wait) {
  return static_cast<int>(std::min<int64_t>(wait.count(), std::numeric_limits<int>::max()));
}

bool WaitReadable(int fd, std::chrono::milliseconds timeout) {
  pollfd wanted{fd, POLLIN, 0};
  return poll(&wanted, 1, PollTimeout(timeout)) > 0;
}

}  // namespace laptime::agent
