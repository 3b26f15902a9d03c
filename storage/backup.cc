#include "storage/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "proto/support/status.h"
#include "storage/long_read.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

namespace fs = std::filesystem;

constexpr char kCopy[] = ".copy-";

std::string NextName(const std::string& database) {
  static std::atomic<int> made = 0;
  return database + kCopy + std::to_string(getpid()) + "-" + std::to_string(++made);
}

int64_t BytesOf(const std::string& file) {
  std::error_code missing;
  const std::uintmax_t bytes = fs::file_size(file, missing);
  return missing ? 0 : static_cast<int64_t>(bytes);
}

// Before a byte is written: a disk that the copy fills would stop the writer as well.
absl::Status CheckRoom(const std::string& database) {
  const int64_t needed = BytesOf(database) + BytesOf(database + "-wal") + kSpareBytes;
  std::error_code unknown;
  const fs::space_info room = fs::space(fs::absolute(database).parent_path(), unknown);
  if (unknown || room.available >= static_cast<std::uintmax_t>(needed)) return absl::OkStatus();
  return WithHint(absl::StatusCode::kResourceExhausted,
                  "backup: " + std::to_string(needed >> 20) + " MiB are needed beside " + database +
                      ", " + std::to_string(room.available >> 20) + " are free",
                  "free some space there, or `laptime server gc` first");
}

std::string LastError() { return std::error_code(errno, std::generic_category()).message(); }

}  // namespace

absl::StatusOr<std::unique_ptr<Backup>> Backup::Make(const std::string& database,
                                                     const Stop& stop) {
  LAPTIME_RETURN_IF_ERROR(CheckRoom(database));
  // It is asked between the steps of the copy instead: one of these takes no longer.
  auto source = LongRead::Open(database, nullptr);
  if (!source.ok()) return source.status();
  const std::string copy = NextName(database);
  LAPTIME_RETURN_IF_ERROR(CopyDatabase((*source)->database(), copy, stop));
  const int64_t bytes = BytesOf(copy);
  const int descriptor = open(copy.c_str(), O_RDONLY | O_CLOEXEC);
  unlink(copy.c_str());
  if (descriptor < 0) return absl::UnavailableError("cannot read " + copy + ": " + LastError());
  return std::unique_ptr<Backup>(new Backup(descriptor, bytes));
}

Backup::~Backup() { close(descriptor_); }

absl::StatusOr<std::string> Backup::Read(size_t most) {
  std::string bytes(most, '\0');
  ssize_t got = 0;
  do {
    got = read(descriptor_, bytes.data(), bytes.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return absl::UnavailableError("cannot read the copy: " + LastError());
  bytes.resize(static_cast<size_t>(got));
  return bytes;
}

void RemoveStaleCopies(const std::string& database) {
  const std::string beginning = fs::path(database).filename().string() + kCopy;
  std::error_code error;
  std::vector<fs::path> stale;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(fs::absolute(database).parent_path(), error)) {
    if (entry.path().filename().string().starts_with(beginning)) stale.push_back(entry.path());
  }
  for (const fs::path& file : stale) fs::remove(file, error);
}

}  // namespace laptime::storage
