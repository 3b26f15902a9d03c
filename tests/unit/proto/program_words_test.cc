#include "proto/support/program_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "proto/support/status.h"

namespace laptime {
namespace {

// How programs read their words is in options_test.cc of the agent and server_options_test.cc.

TEST(ProgramWordsTest, AnErrorIsOneLineAndItsHintAnother) {
  EXPECT_EQ(ErrorLines(WithHint(absl::StatusCode::kInternal, "it broke", "mend it")),
            "error: it broke\nhint: mend it\n");
  EXPECT_EQ(ErrorLines(absl::InternalError("it broke")), "error: it broke\n");
}

TEST(ProgramWordsTest, AVariableThatIsNotSetIsEmpty) {
  setenv("LAPTIME_TEST_VARIABLE", "here", /*overwrite=*/1);
  EXPECT_EQ(Environment("LAPTIME_TEST_VARIABLE"), "here");
  unsetenv("LAPTIME_TEST_VARIABLE");
  EXPECT_EQ(Environment("LAPTIME_TEST_VARIABLE"), "");
}

}  // namespace
}  // namespace laptime
