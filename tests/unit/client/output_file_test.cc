#include "client/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;
namespace fs = std::filesystem;

std::string TextOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

auto FilesIn(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

// While it lives no file of this process grows beyond so many bytes, as on a full disk.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(ReplaceFileTest, WritesAndReplaces) {
  const TempDir dir;
  const fs::path file = dir.path() / "bundle";
  EXPECT_OK(ReplaceFile(file, "a longer text"));
  EXPECT_OK(ReplaceFile(file, "text"));
  EXPECT_EQ(TextOf(file), "text");
  EXPECT_EQ(FilesIn(dir.path()), 1);
}

TEST(ReplaceFileTest, OnAFullDiskTheOlderOneSurvives) {
  const TempDir dir;
  const fs::path file = dir.path() / "bundle";
  ASSERT_OK(ReplaceFile(file, "older"));
  absl::Status status;
  {
    const FullDisk disk(10'000);
    status = ReplaceFile(file, std::string(50'000, 'x'));
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("cannot write")));
  EXPECT_EQ(TextOf(file), "older");
  EXPECT_EQ(FilesIn(dir.path()), 1);
}

TEST(ReplaceFileTest, AFolderIsNoFile) {
  const TempDir dir;
  EXPECT_FALSE(ReplaceFile(dir.path(), "text").ok());
  EXPECT_FALSE(ReplaceFile(dir.path() / "none" / "bundle", "text").ok());
  EXPECT_TRUE(fs::is_directory(dir.path()));
  EXPECT_EQ(FilesIn(dir.path()), 0);
}

TEST(ReplaceFileTest, LinksAndDevicesStay) {
  const TempDir dir;
  const fs::path link = dir.path() / "link";
  ASSERT_OK(ReplaceFile(dir.path() / "bundle", "older"));
  fs::create_symlink("bundle", link);
  EXPECT_OK(ReplaceFile(link, "text"));
  EXPECT_TRUE(fs::is_symlink(link));
  EXPECT_EQ(TextOf(dir.path() / "bundle"), "text");
  fs::create_symlink("/dev/null", dir.path() / "nothing");
  EXPECT_OK(ReplaceFile(dir.path() / "nothing", "text"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

}  // namespace
}  // namespace laptime::client
