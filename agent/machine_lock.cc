#include "agent/machine_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "proto/support/status.h"

namespace laptime::agent {

absl::StatusOr<MachineLock> MachineLock::Open(const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC;
  // An existing file first: Linux refuses O_CREAT on another user's file in a sticky directory.
  UniqueFd file(open(path.c_str(), kFlags));
  if (!file.valid() && errno == ENOENT) {
    file = UniqueFd(open(path.c_str(), kFlags | O_CREAT, 0666));
    if (file.valid()) fchmod(file.get(), 0666);
  }
  struct stat about = {};
  if (!file.valid() || fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode)) {
    const int error = errno;
    const std::string what = "cannot open the machine's lock " + path + ": " +
                             (file.valid() ? "it is no plain file" : std::strerror(error));
    if (!file.valid() && (error == EMFILE || error == ENFILE || error == ENOMEM))
      return absl::ResourceExhaustedError(what);
    return WithHint(absl::StatusCode::kFailedPrecondition, what,
                    "remove " + path + ", or let this user read it");
  }
  return MachineLock(std::move(file));
}

bool MachineLock::TryLock(Mode mode) {
  return flock(file_.get(), (mode == Mode::kAlone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0;
}

}  // namespace laptime::agent
