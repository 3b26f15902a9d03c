#include "client/log_text.h"

#include <gtest/gtest.h>

#include "tests/unit/client/messages.h"

namespace laptime::client {
namespace {

google::protobuf::RepeatedPtrField<v1::LogPiece> Pieces(const std::string& text) {
  return FromText<v1::GetRunLogResponse>(text).pieces();
}

TEST(LogTextTest, JoinsPiecesAndMarksGaps) {
  LogText log;
  EXPECT_EQ(
      log.Append(Pieces(R"(pieces { offset: 0 text: "one\ntw" } pieces { offset: 6 text: "o\n" }
                                 pieces { offset: 100 text: "end\n" })")),
      "one\ntwo\n… 92 bytes left out …\nend\n");
  EXPECT_EQ(log.next_offset(), 104);
}

TEST(LogTextTest, GapBeginsOnALineOfItsOwn) {
  LogText log;
  EXPECT_EQ(log.Append(Pieces(R"(pieces { text: "cut" } pieces { offset: 10 text: "end\n" })")),
            "cut\n… 7 bytes left out …\nend\n");
}

TEST(LogTextTest, PrintsNothingTwice) {
  LogText log;
  EXPECT_EQ(log.Append(Pieces(R"(pieces { text: "one\ntwo\n" })")), "one\ntwo\n");
  EXPECT_EQ(log.Append(Pieces(R"(pieces { text: "one\ntwo\nthree\n" })")), "three\n");
  EXPECT_EQ(log.Append(Pieces(R"(pieces { text: "one\ntwo\n" })")), "");
}

TEST(LogTextTest, IsSafeForATerminal) {
  LogText log;
  EXPECT_EQ(log.Append(Pieces(R"(pieces { text: "a\033[2Jb\n" })")), "a?[2Jb\n");
}

}  // namespace
}  // namespace laptime::client
