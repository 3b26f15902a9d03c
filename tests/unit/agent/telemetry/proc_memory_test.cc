#include "agent/telemetry/proc_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/telemetry/proc_files.h"
#include "tests/testing/file_tree.h"

#ifdef __linux__

namespace laptime::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

TEST(ProcMemoryTest, IsWhatIsNotAvailable) {
  testing::FileTree tree;
  EXPECT_THAT(ProcMemory(tree.root()).sensors(), IsEmpty());
  tree.Write("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n");
  ProcMemory memory(tree.root());
  EXPECT_THAT(memory.Read(), ElementsAre(Optional(600.0 * 1024)));
  tree.Remove("proc/meminfo");
  EXPECT_THAT(memory.Read(), ElementsAre(std::nullopt));
}

TEST(ProcFilesTest, FindsANumberBehindItsWholeKey) {
  testing::FileTree tree;
  tree.Write("stat", "my_usage_usec 1\nusage_usec 22\nbad words\nempty\n");
  EXPECT_THAT(ReadNumber(tree.root() / "stat", "usage_usec"), Optional(22.0));
  EXPECT_EQ(ReadNumber(tree.root() / "stat", "usage"), std::nullopt);
  EXPECT_EQ(ReadNumber(tree.root() / "stat", "bad"), std::nullopt);
  EXPECT_EQ(ReadNumber(tree.root() / "stat", "empty"), std::nullopt);
  EXPECT_EQ(ReadNumber(tree.root() / "none", "usage_usec"), std::nullopt);
  tree.Write("one", "12.5\n");
  tree.Write("word", "max\n");
  tree.Write("infinite", "inf\n");
  EXPECT_THAT(ReadNumber(tree.root() / "one"), Optional(12.5));
  EXPECT_EQ(ReadNumber(tree.root() / "word"), std::nullopt);
  EXPECT_EQ(ReadNumber(tree.root() / "infinite"), std::nullopt);
}

}  // namespace
}  // namespace laptime::agent

#endif
