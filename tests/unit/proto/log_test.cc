#include "proto/support/log.h"

#include <gtest/gtest.h>

namespace laptime {
namespace {

TEST(PrintableTest, NeutralisesTerminalControl) {
  EXPECT_EQ(Printable("a\x1b[31mb\x07\r\n"), "a?[31mb???");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            "?31m");  // the one-byte form of ESC [
}

TEST(PrintableTest, KeepsTextOfEveryLanguage) {
  EXPECT_EQ(Printable("Größe 温度 ½"), "Größe 温度 ½");
}

TEST(PrintableTest, KeepsLinesWhenAsked) {
  EXPECT_EQ(Printable("a\n\tb", /*keep_lines=*/true), "a\n\tb");
  EXPECT_EQ(Printable("a\n\tb"), "a??b");
}

}  // namespace
}  // namespace laptime
