#include "proto/support/log.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace laptime {
namespace {

TEST(PrintableTest, NeutralisesTerminalControl) {
  EXPECT_EQ(Printable("a\x1b[31mb\x07\r\n"), "a?[31mb???");
  EXPECT_EQ(Printable("\xC2\x9B"
                      "31m"),
            "?31m");  // the one-byte form of ESC [
}

TEST(PrintableTest, NeutralisesTheWritingDirection) {
  EXPECT_EQ(Printable("a\xE2\x80\xAE"
                      "b\xE2\x81\xA6"
                      "c\xD8\x9C"
                      "d\xE2\x80\xA8"
                      "e"),
            "a?b?c?d?e");
  EXPECT_EQ(Printable("\xE2\x80\xA6\xE2\x82\xAC"), "\xE2\x80\xA6\xE2\x82\xAC");  // … and €
}

// Whoever may choose a name could else forge a line, or paint on the terminal of whoever reads it.
TEST(StartLogTest, AMessageIsOneLineOfPlainText) {
  StartLog("log-test", "info");
  ::testing::internal::CaptureStderr();
  spdlog::warn("no device {}", "x\nerror: forged\x1b[2J");
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 1);
  EXPECT_NE(log.find("warning log-test: no device x?error: forged?[2J\n"), std::string::npos)
      << log;
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
