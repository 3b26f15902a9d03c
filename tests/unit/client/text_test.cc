#include "client/text.h"

#include <gtest/gtest.h>

namespace laptime::client {
namespace {

TEST(SafeTextTest, NeutralisesControlCharactersAndEscapes) {
  EXPECT_EQ(SafeText("a\033[31mb\r\nc\x7f"), "a?[31mb??c?");
  EXPECT_EQ(SafeText("a\u009b31mb"), "a?31mb");
}

TEST(SafeTextTest, KeepsLinesWhenAsked) { EXPECT_EQ(SafeText("a\n\tb\r", true), "a\n\tb?"); }

TEST(SafeTextTest, ReplacesInvalidUtf8) {
  EXPECT_EQ(SafeText("a\xff\xc3"
                     "b"),
            "a??b");
}

TEST(SafeTextTest, ReplacesWhatTurnsTheWritingDirection) {
  EXPECT_EQ(SafeText("abc\u202Egnp"), "abc?gnp");
  EXPECT_EQ(SafeText("a\u2066b"), "a?b");
}

TEST(SafeTextTest, KeepsOrdinaryLetters) { EXPECT_EQ(SafeText("Büro ノート ×"), "Büro ノート ×"); }

TEST(DisplayWidthTest, CountsColumnsAndNotBytes) {
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("Büro"), 4);
  EXPECT_EQ(DisplayWidth("ノート"), 6);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
}

TEST(TruncateTest, CutsAtColumnsAndSaysSo) {
  EXPECT_EQ(Truncate("abcdef", 6), "abcdef");
  EXPECT_EQ(Truncate("abcdef", 5), "abcd…");
  EXPECT_EQ(Truncate("ノートブック", 5), "ノー…");
  EXPECT_EQ(Truncate("ノートブック", 4), "ノ…");
  EXPECT_EQ(Truncate("abc", 1), "…");
  EXPECT_EQ(Truncate("abc", 0), "");
}

TEST(JoinedTest, PutsSomethingBetween) {
  EXPECT_EQ(Joined({}), "");
  EXPECT_EQ(Joined({"a", "b"}), "a, b");
  EXPECT_EQ(Joined({"a", "b"}, " "), "a b");
}

TEST(NearestHintTest, NamesWhatWasMeant) {
  EXPECT_EQ(NearestHint("stat", {"id", "state"}, "fields: …"), "did you mean 'state'? fields: …");
  EXPECT_EQ(NearestHint("nothing", {"id", "state"}, "fields: …"), "fields: …");
}

TEST(PadTest, FillsToColumns) {
  EXPECT_EQ(Pad("ü", 3, false), "ü  ");
  EXPECT_EQ(Pad("ノ", 3, true), " ノ");
  EXPECT_EQ(Pad("abcd", 3, false), "abcd");
}

}  // namespace
}  // namespace laptime::client
