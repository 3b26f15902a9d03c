#include "agent/log_tail.h"

#include <gtest/gtest.h>

namespace laptime::agent {
namespace {

using std::chrono::milliseconds;
using TimePoint = std::chrono::steady_clock::time_point;

TEST(LogTailTest, GivesAShortLogBackWhole) {
  LogTail log;
  log.Append("one\n");
  log.Append("two\n");
  const auto chunk = log.Take();
  ASSERT_TRUE(chunk);
  EXPECT_EQ(chunk->offset(), 0);
  EXPECT_EQ(chunk->text(), "one\ntwo\n");
  EXPECT_FALSE(log.Take());
  log.Append("three\n");
  EXPECT_EQ(log.Take()->offset(), 8);
}

TEST(LogTailTest, GivesAtMostOneChunkAPeriod) {
  LogTail log;
  const TimePoint start{std::chrono::hours(1)};
  log.Append("a");
  EXPECT_TRUE(log.TakeDue(start));
  log.Append("b");
  EXPECT_FALSE(log.TakeDue(start + milliseconds(999)));
  EXPECT_EQ(log.TakeDue(start + kLogChunkPeriod)->text(), "b");
}

TEST(LogTailTest, KeepsBeginningAndEndOfALongLog) {
  LogTail log;
  const int64_t written = kLogHeadBytes + 3 * kLogTailBytes;
  for (int64_t i = 0; i < written / 8; ++i) {
    char number[9];
    std::snprintf(number, sizeof number, "%07d\n", static_cast<int>(i));
    log.Append(number);
  }
  std::string head, tail;
  int64_t tail_begin = -1;
  while (const auto chunk = log.Take()) {
    EXPECT_LE(chunk->text().size(), kMaxLogChunkBytes);
    if (chunk->offset() < kLogHeadBytes) {
      EXPECT_EQ(chunk->offset(), static_cast<int64_t>(head.size()));
      head += chunk->text();
    } else {
      if (tail_begin < 0) tail_begin = chunk->offset();
      EXPECT_EQ(chunk->offset(), tail_begin + static_cast<int64_t>(tail.size()));
      tail += chunk->text();
    }
  }
  EXPECT_EQ(static_cast<int64_t>(head.size()), kLogHeadBytes);
  EXPECT_EQ(static_cast<int64_t>(tail.size()), kLogTailBytes);
  EXPECT_EQ(tail_begin, written - kLogTailBytes);
  EXPECT_EQ(head.substr(0, 16), "0000000\n0000001\n");
  EXPECT_EQ(std::stoll(tail.substr(tail.size() - 8)), written / 8 - 1);
}

TEST(LogTailTest, MakesEveryByteValidText) {
  LogTail log;
  log.Append("caf\xC3\xA9 \xFF\xFE \xE2\x82 end");
  EXPECT_EQ(log.Take()->text(), "caf\xC3\xA9 ?? ?? end");
}

TEST(LogTailTest, CutsBetweenCharacters) {
  LogTail log;
  std::string text(kMaxLogChunkBytes - 1, 'x');
  text += "\xC3\xA9tail";
  log.Append(text);
  EXPECT_EQ(log.Take()->text().size(), kMaxLogChunkBytes - 1);
  EXPECT_EQ(log.Take()->text(), "\xC3\xA9tail");
}

}  // namespace
}  // namespace laptime::agent
