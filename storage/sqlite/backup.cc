#include "storage/sqlite/backup.h"

#include <SQLiteCpp/Backup.h>
#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Transaction.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>
#include <vector>

#include "proto/support/durable_file.h"
#include "storage/sqlite/database.h"

namespace laptime::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kPagesAtATime = 256;  // 1 MiB: often enough to be stopped
constexpr mode_t kOwnerOnly = 0600;
constexpr char kBefore[] = ".before-v";

std::string FolderOf(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path().string() : ".";
}

// SQLite keeps the mode of a file that is there.
absl::Status MakeEmpty(const std::string& file) {
  const int fd = open(file.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, kOwnerOnly);
  if (fd < 0) {
    const std::error_code error(errno, std::generic_category());
    return absl::FailedPreconditionError("cannot write " + file + ": " + error.message());
  }
  close(fd);
  return absl::OkStatus();
}

absl::Status CopyPages(SQLite::Database& source, SQLite::Database& target, const Stop& stop) {
  // One read transaction over all steps: without it every commit of another connection would make
  // the copy begin anew.
  SQLite::Transaction moment(source);
  source.execAndGet("SELECT count(*) FROM sqlite_schema");
  SQLite::Backup backup(target, source);
  int result = backup.executeStep(kPagesAtATime);
  while (result == SQLITE_OK) {
    if (stop && stop()) return absl::CancelledError("the copy was given up");
    result = backup.executeStep(kPagesAtATime);
  }
  // Nobody else can hold a lock of either; were it so, waiting would not end.
  if (result != SQLITE_DONE) throw SQLite::Exception("the copy is locked", result);
  return absl::OkStatus();
}

// The versions of the copies beside `file`, the newest first.
std::vector<int> CopiesOf(const std::string& file) {
  const std::string beginning = fs::path(file).filename().string() + kBefore;
  std::vector<int> versions;
  for (const fs::directory_entry& entry : fs::directory_iterator(FolderOf(file))) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(beginning)) continue;
    int version = 0;
    const char* const end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + beginning.size(), end, version);
    if (error == std::errc() && rest == end) versions.push_back(version);
  }
  std::ranges::sort(versions, std::greater());
  return versions;
}

}  // namespace

absl::Status CopyDatabase(SQLite::Database& source, const std::string& target, const Stop& stop) {
  const std::string doing = "copying database " + source.getFilename();
  absl::Status copied = MakeEmpty(target);
  if (!copied.ok()) return copied;
  copied = Guard(doing, [&] {
    SQLite::Database copy(target, SQLite::OPEN_READWRITE);
    // Nobody trusts it before it is complete and synced as a whole.
    copy.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    return CopyPages(source, copy, stop);
  });
  std::error_code ignored;
  if (!copied.ok()) fs::remove(target, ignored);
  return copied;
}

absl::Status CopyBeforeMigration(SQLite::Database& source, int version) {
  const std::string file = source.getFilename();
  const std::string target = file + kBefore + std::to_string(version);
  const std::string partial = target + ".partial";
  const absl::Status copied = CopyDatabase(source, partial, nullptr);
  if (!copied.ok()) return copied;
  if (const std::error_code error = ReplaceDurably(partial, target)) {
    return absl::UnavailableError("cannot keep " + target + ": " + error.message());
  }
  const std::vector<int> copies = CopiesOf(file);
  for (size_t i = kKeptCopies; i < copies.size(); ++i) {
    fs::remove(file + kBefore + std::to_string(copies[i]));
  }
  return absl::OkStatus();
}

}  // namespace laptime::storage
