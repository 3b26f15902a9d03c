#include "client/received_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using testing::StatusIs;
using testing::TempDir;
namespace fs = std::filesystem;

class ReceivedFileTest : public ::testing::Test {
 protected:
  ReceivedFileTest() { std::ofstream(file_) << "older"; }

  std::string Text() {
    std::ifstream in(file_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::ptrdiff_t Files() {
    return std::distance(fs::directory_iterator(dir_.path()), fs::directory_iterator());
  }

  const TempDir dir_;
  const std::string file_ = dir_.File("copy.db");
};

TEST_F(ReceivedFileTest, HoldsTheOlderBytesUntilItIsFinished) {
  ASSERT_OK_AND_ASSIGN(auto received, ReceivedFile::Create(file_));
  ASSERT_OK(received->Append("new"));
  ASSERT_OK(received->Append(std::string("er\0", 3)));
  EXPECT_EQ(Text(), "older");
  ASSERT_OK(received->Finish());
  received.reset();
  EXPECT_EQ(Text(), std::string("newer\0", 6));
  EXPECT_EQ(Files(), 1);
  struct stat facts {};
  ASSERT_EQ(stat(file_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
}

TEST_F(ReceivedFileTest, WithoutFinishNothingHasHappened) {
  ASSERT_OK_AND_ASSIGN(auto received, ReceivedFile::Create(file_));
  ASSERT_OK(received->Append("new"));
  received.reset();
  EXPECT_EQ(Text(), "older");
  EXPECT_EQ(Files(), 1);
}

TEST_F(ReceivedFileTest, AFullDiskKeepsTheOlderOne) {
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  auto received = ReceivedFile::Create(file_);
  const absl::Status appended = (*received)->Append(std::string(5000, 'x'));
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_THAT(appended, StatusIs(absl::StatusCode::kResourceExhausted, ::testing::_));
  received->reset();
  EXPECT_EQ(Text(), "older");
  EXPECT_EQ(Files(), 1);
}

TEST_F(ReceivedFileTest, WritesThroughALinkButOnlyOrdinaryFiles) {
  fs::create_symlink(file_, dir_.File("link"));
  ASSERT_OK_AND_ASSIGN(auto received, ReceivedFile::Create(dir_.File("link")));
  ASSERT_OK(received->Append("newer"));
  ASSERT_OK(received->Finish());
  EXPECT_TRUE(fs::is_symlink(dir_.File("link")));
  EXPECT_EQ(Text(), "newer");
  for (const std::string& bad : {dir_.path().string(), dir_.File("no/copy.db")}) {
    EXPECT_THAT(ReceivedFile::Create(bad),
                StatusIs(absl::StatusCode::kFailedPrecondition, ::testing::HasSubstr("\n")));
  }
}

}  // namespace
}  // namespace laptime::client
