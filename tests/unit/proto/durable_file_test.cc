#include "proto/support/durable_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/testing/temp_dir.h"

namespace laptime {
namespace {

std::string Content(const std::string& path) {
  std::string text;
  std::getline(std::ifstream(path), text);
  return text;
}

TEST(ReplaceDurablyTest, PutsTheNewFileInThePlaceOfTheOld) {
  const testing::TempDir dir;
  std::ofstream(dir.File("old")) << "old";
  std::ofstream(dir.File("new")) << "new";
  EXPECT_FALSE(ReplaceDurably(dir.File("new"), dir.File("old")));
  EXPECT_EQ(Content(dir.File("old")), "new");
  EXPECT_FALSE(std::filesystem::exists(dir.File("new")));
}

TEST(ReplaceDurablyTest, LeavesTheOldFileWhenItCannot) {
  const testing::TempDir dir;
  std::ofstream(dir.File("old")) << "old";
  EXPECT_EQ(ReplaceDurably(dir.File("missing"), dir.File("old")),
            std::errc::no_such_file_or_directory);
  EXPECT_EQ(Content(dir.File("old")), "old");
}

TEST(MakePrivateDirectoryTest, ANewOneIsItsOwnersAloneAndAnOldOneIsAsItWas) {
  namespace fs = std::filesystem;
  const testing::TempDir dir;
  for (const char* name : {"new", "deep/new", "new with slash/"}) {
    EXPECT_FALSE(MakePrivateDirectory(dir.File(name)));
    EXPECT_EQ(fs::status(dir.File(name)).permissions(), fs::perms::owner_all) << name;
  }
  const auto shared = fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec;
  fs::permissions(dir.File("new"), shared);
  EXPECT_FALSE(MakePrivateDirectory(dir.File("new")));
  EXPECT_EQ(fs::status(dir.File("new")).permissions(), shared);
  std::ofstream(dir.File("file")) << "no directory";
  EXPECT_TRUE(MakePrivateDirectory(dir.File("file/below")));
}

TEST(WriteStateFileTest, RootWritesForTheOwnerOfTheDirectory) {
  if (geteuid() != 0) GTEST_SKIP() << "takes root";
  const testing::TempDir dir;
  constexpr uid_t kSomebody = 65534;
  ASSERT_EQ(chown(dir.path().c_str(), kSomebody, kSomebody), 0);
  const auto owner_of = [](const std::string& path) {
    struct stat about {};
    EXPECT_EQ(stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0600U);
    return about.st_uid;
  };
  EXPECT_FALSE(WriteStateFile(dir.File("key"), "secret"));
  EXPECT_EQ(owner_of(dir.File("key")), kSomebody);
  EXPECT_EQ(Content(dir.File("key")), "secret");
  // A person's own secrets stay theirs.
  EXPECT_FALSE(WritePrivateFile(dir.File("login"), "secret"));
  EXPECT_EQ(owner_of(dir.File("login")), 0U);
}

}  // namespace
}  // namespace laptime
