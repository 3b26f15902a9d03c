#include "storage/sqlite/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace laptime::storage {
namespace {

std::string HolderOf(int descriptor) {
  char text[16] = {};
  const ssize_t size = pread(descriptor, text, sizeof(text) - 1, 0);
  const std::string pid(text, size > 0 ? static_cast<size_t>(size) : 0);
  if (pid.empty() || pid.find_first_not_of("0123456789\n") != std::string::npos) {
    return "another process";
  }
  return "process " + pid.substr(0, pid.find('\n'));
}

// For the message of the next one only: the lock itself is the flock.
void NameHolder(int descriptor) {
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(descriptor, 0) == 0) {
    [[maybe_unused]] const ssize_t written = pwrite(descriptor, pid.data(), pid.size(), 0);
  }
}

}  // namespace

absl::StatusOr<FileLock> FileLock::Acquire(const std::string& path, const std::string& what,
                                           const std::string& hint) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return absl::FailedPreconditionError("cannot open lock file " + path + ": " +
                                         std::generic_category().message(errno) +
                                         "\ncheck that its directory can be written");
  }
  FileLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    return absl::FailedPreconditionError(what + " is in use by " + HolderOf(descriptor) + "\n" +
                                         hint);
  }
  NameHolder(descriptor);
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

}  // namespace laptime::storage
