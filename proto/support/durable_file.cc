#include "proto/support/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace laptime {
namespace {

std::error_code LastError() { return {errno, std::generic_category()}; }

// On macOS fsync leaves the bytes in the drive's cache; some file systems know no F_FULLFSYNC.
bool Flush(int fd) {
#ifdef F_FULLFSYNC
  if (fcntl(fd, F_FULLFSYNC) == 0) return true;
#endif
  return fsync(fd) == 0;
}

std::error_code Sync(const std::filesystem::path& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return LastError();
  const std::error_code error = Flush(fd) ? std::error_code() : LastError();
  close(fd);
  return error;
}

}  // namespace

std::error_code ReplaceDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error = Sync(from);
  if (!error) std::filesystem::rename(from, to, error);
  if (error) return error;
  error = Sync(to.has_parent_path() ? to.parent_path() : ".");
  // Some file systems cannot sync a directory; the file is in its place all the same.
  if (error == std::errc::invalid_argument || error == std::errc::not_supported) error.clear();
  return error;
}

}  // namespace laptime
