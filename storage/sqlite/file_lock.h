#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace laptime::storage {

// Keeps a second process away from a file or a directory, by an exclusive flock on a file of its
// own. A value that moves; the lock ends with it, or with the process however that dies. Children
// do not inherit it. Two locks of one process on one path exclude each other too.
class FileLock {
 public:
  // Makes the lock file `path` (its directory exists) and locks it. kFailedPrecondition when
  // somebody else holds it:
  // "`what` is in use by process 4711" with `hint`, or when the file cannot be made.
  static absl::StatusOr<FileLock> Acquire(const std::string& path, const std::string& what,
                                          const std::string& hint);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
};

}  // namespace laptime::storage
