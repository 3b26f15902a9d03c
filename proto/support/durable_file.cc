#include "proto/support/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

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

std::filesystem::path DirectoryOf(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

// What root sets up for a service of another user is that user's, as its directory is. A root that
// may not give files away keeps them.
std::error_code GiveToOwnerOf(const std::filesystem::path& directory, int fd) {
  if (geteuid() != 0) return {};
  struct stat about {};
  if (stat(directory.c_str(), &about) != 0) return LastError();
  if (fchown(fd, about.st_uid, about.st_gid) != 0 && errno != EPERM) return LastError();
  return {};
}

std::error_code Write(const std::filesystem::path& path, const std::string& text,
                      bool for_owner_of_directory) {
  std::string name = path.string() + ".XXXXXX";
  const int fd = mkstemp(name.data());  // of mode 0600
  if (fd < 0) return LastError();
  size_t written = 0;
  std::error_code error;
  if (for_owner_of_directory) error = GiveToOwnerOf(DirectoryOf(path), fd);
  while (written < text.size() && !error) {
    const ssize_t more = write(fd, text.data() + written, text.size() - written);
    if (more >= 0) {
      written += static_cast<size_t>(more);
    } else if (errno != EINTR) {
      error = LastError();
    }
  }
  if (close(fd) != 0 && !error) error = LastError();
  if (!error) error = ReplaceDurably(name, path);
  if (error) unlink(name.c_str());
  return error;
}

}  // namespace

std::error_code ReplaceDurably(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::error_code error = Sync(from);
  if (!error) std::filesystem::rename(from, to, error);
  if (error) return error;
  error = Sync(DirectoryOf(to));
  // Some file systems cannot sync a directory; the file is in its place all the same.
  if (error == std::errc::invalid_argument || error == std::errc::not_supported) error.clear();
  return error;
}

std::error_code MakePrivateDirectory(const std::filesystem::path& path) {
  std::error_code error;
  const bool is_new = !std::filesystem::exists(path, error);
  std::filesystem::create_directories(path, error);
  if (!error && is_new) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_all, error);
  }
  return error;
}

std::error_code WritePrivateFile(const std::filesystem::path& path, const std::string& text) {
  return Write(path, text, /*for_owner_of_directory=*/false);
}

std::error_code WriteStateFile(const std::filesystem::path& path, const std::string& text) {
  return Write(path, text, /*for_owner_of_directory=*/true);
}

std::optional<std::string> ReadSmallFile(const std::filesystem::path& path, size_t most) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  const auto size = static_cast<size_t>(file.gcount());
  if (file.bad() || (size == 0 && !file.eof()) || size > most) return std::nullopt;
  text.resize(size);
  return text;
}

}  // namespace laptime
