#include "client/input_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <streambuf>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

constexpr size_t kMost = 5'000'000;

// As /dev/zero: never ends. Counts what was taken of it.
class Endless : public std::streambuf {
 public:
  size_t taken = 0;

 protected:
  std::streamsize xsgetn(char* to, std::streamsize count) override {
    std::fill_n(to, count, '\0');
    taken += static_cast<size_t>(count);
    return count;
  }
  int_type underflow() override { return 0; }
};

TEST(ReadInputTest, TakesAFileOrStandardInput) {
  const TempDir dir;
  const std::string file = dir.path() / "f";
  std::ofstream(file) << "a\nb";
  std::istringstream in("from there");
  EXPECT_EQ(ReadInput(in, file, kMost, "").value_or("error"), "a\nb");
  EXPECT_EQ(ReadInput(in, "-", kMost, "").value_or("error"), "from there");
  std::istringstream nothing;
  EXPECT_EQ(ReadInput(nothing, "-", kMost, "").value_or("error"), "");
}

TEST(ReadInputTest, WhatCannotBeReadIsNamed) {
  const TempDir dir;
  std::istringstream in;
  for (const std::string& file : {dir.path().string(), (dir.path() / "none").string()}) {
    EXPECT_THAT(ReadInput(in, file, kMost, ""),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(file + ": cannot be read"), HasSubstr("\nname a file"))));
  }
}

TEST(ReadInputTest, TheLimitBoundsTheReading) {
  std::istringstream most(std::string(kMost, 'x'));
  EXPECT_OK(ReadInput(most, "-", kMost, ""));
  Endless endless;
  std::istream in(&endless);
  EXPECT_THAT(ReadInput(in, "-", kMost, "split it"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("standard input: has more than 5000000 bytes\nsplit it")));
  EXPECT_EQ(endless.taken, kMost);
}

// A file may be all holes: what is too long is told before it is read.
TEST(ReadInputTest, AFileThatIsTooLongIsNotRead) {
  const TempDir dir;
  const std::string file = dir.path() / "holes";
  std::ofstream(file).flush();
  std::filesystem::resize_file(file, uintmax_t{1} << 40);
  std::istringstream in;
  const auto read = [] {
    std::ifstream io("/proc/self/io");
    std::string word;
    int64_t bytes = 0;
    io >> word >> bytes;  // "rchar: N"
    return bytes;
  };
  const int64_t before = read();
  EXPECT_THAT(ReadInput(in, file, kMost, "split it"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has more than 5000000")));
  EXPECT_LT(read() - before, 100'000);
}

}  // namespace
}  // namespace laptime::client
