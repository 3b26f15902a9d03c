#include "proto/support/durable_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace laptime
