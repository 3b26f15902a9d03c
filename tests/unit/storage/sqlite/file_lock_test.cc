#include "storage/sqlite/file_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::HasSubstr;

TEST(FileLockTest, RefusesASecondOneAndNamesTheFirst) {
  TempDir dir;
  const std::string path = dir.File("a.lock");
  ASSERT_OK_AND_ASSIGN(std::optional<FileLock> first,
                       FileLock::Acquire(path, "database a", "stop it"));
  EXPECT_THAT(
      FileLock::Acquire(path, "database a", "stop it"),
      StatusIs(absl::StatusCode::kFailedPrecondition,
               "database a is in use by process " + std::to_string(getpid()) + "\nstop it"));
  first.reset();
  EXPECT_OK(FileLock::Acquire(path, "database a", "stop it"));
}

TEST(FileLockTest, StaysWithTheObjectItWasMovedTo) {
  TempDir dir;
  const std::string path = dir.File("a.lock");
  ASSERT_OK_AND_ASSIGN(FileLock first, FileLock::Acquire(path, "a", ""));
  { const FileLock second = std::move(first); }
  EXPECT_OK(FileLock::Acquire(path, "a", ""));
}

TEST(FileLockTest, IsNotInheritedByChildren) {
  TempDir dir;
  const int before = dup(0);
  close(before);
  ASSERT_OK_AND_ASSIGN(FileLock lock, FileLock::Acquire(dir.File("a.lock"), "a", ""));
  EXPECT_EQ(fcntl(before, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);  // the lowest free descriptor
}

TEST(FileLockTest, SaysWhyTheFileCannotBeMade) {
  TempDir dir;
  EXPECT_THAT(FileLock::Acquire(dir.File("missing/a.lock"), "a", ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot open lock file")));
}

}  // namespace
}  // namespace laptime::storage
