#include "agent/machine_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using Mode = MachineLock::Mode;
using testing::StatusIs;
using testing::TempDir;

TEST(MachineLockTest, LetsOneRunAtATime) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(MachineLock second, MachineLock::Open(dir.File("lock")));
  {
    ASSERT_OK_AND_ASSIGN(MachineLock first, MachineLock::Open(dir.File("lock")));
    EXPECT_TRUE(first.TryLock(Mode::kAlone));
    EXPECT_FALSE(second.TryLock(Mode::kAlone));
    EXPECT_FALSE(second.TryLock(Mode::kShared));
  }
  EXPECT_TRUE(second.TryLock(Mode::kAlone));
}

TEST(MachineLockTest, LetsParallelRunsShare) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(MachineLock first, MachineLock::Open(dir.File("lock")));
  ASSERT_OK_AND_ASSIGN(MachineLock second, MachineLock::Open(dir.File("lock")));
  ASSERT_OK_AND_ASSIGN(MachineLock alone, MachineLock::Open(dir.File("lock")));
  EXPECT_TRUE(first.TryLock(Mode::kShared));
  EXPECT_TRUE(second.TryLock(Mode::kShared));
  EXPECT_FALSE(alone.TryLock(Mode::kAlone));
}

TEST(MachineLockTest, IsOpenToEveryUser) {
  const TempDir dir;
  ASSERT_OK(MachineLock::Open(dir.File("lock")));
  struct stat about = {};
  ASSERT_EQ(stat(dir.File("lock").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0666u);
}

TEST(MachineLockTest, FollowsNoSymbolicLink) {
  const TempDir dir;
  std::filesystem::create_symlink(dir.File("elsewhere"), dir.File("lock"));
  EXPECT_THAT(MachineLock::Open(dir.File("lock")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("lock")));
  EXPECT_FALSE(std::filesystem::exists(dir.File("elsewhere")));
}

TEST(MachineLockTest, TakesOnlyAPlainFile) {
  const TempDir dir;
  std::filesystem::create_directory(dir.File("lock"));
  EXPECT_THAT(MachineLock::Open(dir.File("lock")),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no plain file")));
}

}  // namespace
}  // namespace laptime::agent
