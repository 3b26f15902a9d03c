#include "agent/state_dir.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "proto/support/status.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

TEST(StateDirTest, KeepsItsHostId) {
  const TempDir dir;
  std::string id;
  {
    ASSERT_OK_AND_ASSIGN(const StateDir state, StateDir::Open(dir.path() / "deep" / "state"));
    id = state.host_id();
    EXPECT_EQ(id.size(), 36u);
  }
  ASSERT_OK_AND_ASSIGN(const StateDir state, StateDir::Open(dir.path() / "deep" / "state"));
  EXPECT_EQ(state.host_id(), id);
}

TEST(StateDirTest, MakesNoOtherHostOfADamagedId) {
  const TempDir dir;
  ASSERT_OK(StateDir::Open(dir.path()).status());
  std::ofstream(dir.File("host_id"), std::ios::trunc).close();
  const absl::Status status = StateDir::Open(dir.path()).status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("host_id")));
  EXPECT_THAT(HintOf(status), HasSubstr("--name"));
}

TEST(StateDirTest, RefusesASecondAgent) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const StateDir state, StateDir::Open(dir.path()));
  const absl::Status second = StateDir::Open(dir.path()).status();
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is in use")));
  EXPECT_THAT(HintOf(second), HasSubstr("--state"));
}

TEST(StateDirTest, SaysWhichDirectoryCannotBeUsed) {
  const TempDir dir;
  std::ofstream(dir.File("file")) << "x";
  const absl::Status status = StateDir::Open(dir.path() / "file" / "state").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("file/state")));
  EXPECT_THAT(HintOf(status), HasSubstr("--state"));
}

TEST(StateDirTest, KeepsOnlyTheNewestAttemptDirectories) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const StateDir state, StateDir::Open(dir.path()));
  std::filesystem::path last;
  for (int i = 1; i <= kKeptAttempts + 5; ++i) {
    ASSERT_OK_AND_ASSIGN(last, state.NewAttemptDir("run", i));
    // Older and older the earlier they were made, however coarse the clock of the file system.
    std::filesystem::last_write_time(
        last, std::filesystem::last_write_time(last) - std::chrono::hours(100 - i));
  }
  const auto count =
      std::distance(std::filesystem::directory_iterator(dir.path() / "attempts"), {});
  EXPECT_EQ(count, kKeptAttempts);
  EXPECT_TRUE(std::filesystem::exists(last));
  EXPECT_FALSE(std::filesystem::exists(dir.path() / "attempts" / "run-1"));
}

TEST(StateDirTest, KeepsOnlyTheNewestCheckpointsAndTheOneAskedFor) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const StateDir state, StateDir::Open(dir.path()));
  const auto now = std::filesystem::file_time_type::clock::now();
  for (int i = 1; i <= kKeptCheckpoints + 2; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto file, state.CheckpointOf("run-" + std::to_string(i)));
    std::ofstream(file) << "state";
    std::filesystem::last_write_time(file, now - std::chrono::hours(100 - i));
  }
  ASSERT_OK_AND_ASSIGN(const auto oldest, state.CheckpointOf("run-3"));
  EXPECT_TRUE(std::filesystem::exists(oldest));
  const auto count =
      std::distance(std::filesystem::directory_iterator(dir.path() / "checkpoints"), {});
  EXPECT_EQ(count, kKeptCheckpoints);
  state.DropCheckpoint("run-3");
  EXPECT_FALSE(std::filesystem::exists(oldest));
}

TEST(IsSafeNameTest, TakesNoPathsAndNoControlCharacters) {
  for (const char* good : {"a", "studio", "cuda:0", "cpu-1t", "box_1.lab", "9b605526d752"})
    EXPECT_TRUE(IsSafeName(good));
  for (const std::string bad :
       {"", ".", "..", ".hidden", "a/b", "../x", "a b", "a\n", "\x1b[1m", "caf\xC3\xA9"}) {
    EXPECT_FALSE(IsSafeName(bad)) << bad;
  }
  // A file system sees only what lies before it.
  EXPECT_FALSE(IsSafeName(std::string("a\0b", 3)));
  EXPECT_TRUE(IsSafeName(std::string(64, 'a')));
  EXPECT_FALSE(IsSafeName(std::string(65, 'a')));
}

}  // namespace
}  // namespace laptime::agent
