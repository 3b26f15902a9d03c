#include "storage/log_text.h"
#include "tests/unit/storage/fixture.h"

namespace laptime::storage {
namespace {

using ::laptime::testing::StatusIs;

class LogTest : public DatabaseTest {
 protected:
  absl::Status Insert(int64_t offset, const std::string& text) {
    v1::LogChunk chunk;
    chunk.set_offset(offset);
    chunk.set_text(text);
    return tx_.InsertLog(attempt_, chunk);
  }

  v1::GetRunLogResponse Log(int64_t from = 0) { return tx_.Log("r1", 0, from).value(); }

  const v1::AttemptRef attempt_ = Seeder::AddAttempt(tx_);
};

TEST_F(LogTest, NeighboursAreOnePieceAndGapsShow) {
  ASSERT_OK(Insert(0, "hello "));
  ASSERT_OK(Insert(6, "world\n"));
  ASSERT_OK(Insert(100, "end"));
  const v1::GetRunLogResponse log = Log();
  ASSERT_EQ(log.pieces_size(), 2);
  EXPECT_EQ(log.pieces(0).text(), "hello world\n");
  EXPECT_EQ(log.pieces(1).offset(), 100);
  EXPECT_EQ(log.pieces(1).text(), "end");
  EXPECT_EQ(log.attempt(), 1);
  EXPECT_FALSE(log.complete());
}

TEST_F(LogTest, WhatIsThereAlreadyIsDropped) {
  ASSERT_OK(Insert(0, "hello "));
  ASSERT_OK(Insert(0, "other!"));
  ASSERT_OK(Insert(3, "lo world"));
  ASSERT_OK(Insert(2, "x"));
  ASSERT_OK(Insert(11, ""));
  ASSERT_EQ(Log().pieces_size(), 1);
  EXPECT_EQ(Log().pieces(0).text(), "hello world");
  EXPECT_EQ(Insert(-1, "x").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(LogTest, NeverCutsACharacter) {
  ASSERT_OK(Insert(0, "abc"));
  ASSERT_OK(Insert(2, "üx"));  // byte 3 lies within the ü
  ASSERT_EQ(Log().pieces_size(), 2);
  EXPECT_EQ(Log().pieces(1).offset(), 4);
  EXPECT_EQ(Log().pieces(1).text(), "x");
  EXPECT_EQ(Ask("SELECT max(offset) || hex(text) FROM log"), "478");
}

TEST_F(LogTest, BeginsWhereAsked) {
  ASSERT_OK(Insert(0, "grün\n"));  // 6 bytes
  ASSERT_OK(Insert(6, "blue"));
  EXPECT_EQ(Log(6).pieces(0).text(), "blue");
  EXPECT_EQ(Log(3).pieces(0).text(), "n\nblue");  // not from within the ü
  EXPECT_EQ(Log(3).pieces(0).offset(), 4);
  EXPECT_EQ(Log(10).pieces_size(), 0);
}

TEST_F(LogTest, KeepsTheBeginningAndTheEndOfALongOne) {
  const std::string line = std::string(999, 'x') + "\n";
  const int64_t lines = 1000;  // a megabyte
  for (int64_t i = 0; i < lines; ++i) ASSERT_OK(Insert(i * 1000, line));
  const v1::GetRunLogResponse log = Log();
  ASSERT_EQ(log.pieces_size(), 2);
  const int64_t head = log.pieces(0).text().size();
  const int64_t tail = log.pieces(1).text().size();
  EXPECT_EQ(log.pieces(0).offset(), 0);
  EXPECT_GE(head, kLogHeadBytes);
  EXPECT_LT(head, kLogHeadBytes + 1000);
  EXPECT_EQ(log.pieces(1).offset() + tail, lines * 1000);
  EXPECT_GE(tail, kLogTailBytes);
  EXPECT_LT(tail, kLogTailBytes + 1000);
}

TEST_F(LogTest, AHugeChunkIsTrimmedToo) {
  std::string text;
  while (text.size() < 1'000'000) text += "grün ";
  ASSERT_OK(Insert(0, text));
  const v1::GetRunLogResponse log = Log();
  ASSERT_EQ(log.pieces_size(), 2);
  int64_t kept = 0;
  for (const v1::LogPiece& piece : log.pieces()) {
    EXPECT_EQ(piece.text(), text.substr(piece.offset(), piece.text().size()));
    EXPECT_EQ(CharacterAt(piece.text(), 0), 0);
    kept += piece.text().size();
  }
  EXPECT_GE(kept, kLogHeadBytes + kLogTailBytes);
  EXPECT_LE(kept, kLogHeadBytes + kLogTailBytes + 2 * static_cast<int64_t>(kLogPieceBytes));
  ASSERT_OK(Insert(0, text));  // sent again
  EXPECT_EQ(Log().pieces_size(), 2);
}

TEST_F(LogTest, IsCompleteOnceTheAttemptEnded) {
  ASSERT_OK(tx_.MoveAttempt(attempt_, v1::ATTEMPT_STATE_SENT, v1::ATTEMPT_STATE_FAILED, 0));
  EXPECT_TRUE(Log().complete());
}

TEST_F(LogTest, ARunWithoutAttemptsHasNone) {
  Seeder::AddRun(tx_, "r2", "j1");
  EXPECT_EQ(tx_.Log("r2", 0, 0).value().attempt(), 0);
  EXPECT_THAT(tx_.Log("r2", 2, 0), StatusIs(absl::StatusCode::kNotFound, "no attempt 2 of run r2"));
}

}  // namespace
}  // namespace laptime::storage
