#include "client/command_line.h"

#include <gmock/gmock.h>

#include "tests/testing/status_matchers.h"

namespace laptime::client {
namespace {

using ::laptime::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A line that must be refused with these words in message and hint.
void ExpectUsage(const std::vector<std::string>& words, const std::string& message,
                 const std::string& hint) {
  EXPECT_THAT(ParseCommandLine(words),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(StartsWith(message), HasSubstr("\n"), HasSubstr(hint))));
}

GlobalOptions Global(const std::vector<std::string>& words) {
  const auto line = ParseCommandLine(words);
  EXPECT_OK(line);
  if (!line.ok()) return {};
  EXPECT_TRUE(line->run);
  return line->global;
}

TEST(CommandLineTest, EveryCommandIsThere) {
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"up"},
                                             {"submit", "w"},
                                             {"job", "list"},
                                             {"job", "show", "1"},
                                             {"job", "watch", "1"},
                                             {"job", "wait", "1"},
                                             {"job", "cancel", "1"},
                                             {"run", "list"},
                                             {"run", "show", "1"},
                                             {"run", "watch", "1"},
                                             {"run", "logs", "1"},
                                             {"run", "export", "1"},
                                             {"run", "verify", "1"},
                                             {"run", "annotate", "1", "x"},
                                             {"export", "runs"},
                                             {"export", "epochs"},
                                             {"export", "samples"},
                                             {"device", "list"},
                                             {"device", "show", "1"},
                                             {"device", "drain", "1"},
                                             {"device", "resume", "1"},
                                             {"device", "rename", "1", "2"},
                                             {"workload", "list"},
                                             {"workload", "show", "1"},
                                             {"workload", "explain", "1"},
                                             {"device", "capabilities"},
                                             {"table"},
                                             {"compare", "1", "2"},
                                             {"history"},
                                             {"matrix"},
                                             {"fill"},
                                             {"import", "-"},
                                             {"server", "info"},
                                             {"config", "show"},
                                             {"config", "path"},
                                             {"doctor"},
                                             {"version"}}) {
    const auto line = ParseCommandLine(words);
    ASSERT_OK(line) << words[0];
    EXPECT_TRUE(line->run) << words[0];
  }
}

TEST(CommandLineTest, GlobalFlagsStandBeforeAndAfterTheCommand) {
  EXPECT_EQ(Global({"--server", "a:1", "run", "list"}).settings.at("server"), "a:1");
  EXPECT_EQ(Global({"run", "--server", "a:1", "list"}).settings.at("server"), "a:1");
  EXPECT_EQ(Global({"run", "list", "--server=a:1"}).settings.at("server"), "a:1");
  const GlobalOptions global = Global({"-o", "json", "run", "show", "last", "--fields", "id,state",
                                       "-qv", "-y", "--no-input", "--color", "never"});
  EXPECT_EQ(global.settings.at("output"), "json");
  EXPECT_EQ(global.settings.at("no_input"), "true");
  EXPECT_EQ(global.settings.at("color"), "never");
  EXPECT_THAT(global.fields, ElementsAre("id", "state"));
  EXPECT_TRUE(global.quiet && global.verbose && global.yes);
}

TEST(CommandLineTest, RepeatableFlagsTakeOneValueEach) {
  EXPECT_OK(ParseCommandLine(
      {"submit", "--device", "a", "--device", "kind=cpu", "workload", "--set", "a=1"}));
  ExpectUsage({"submit", "--device", "a", "w", "x"}, "laptime submit: one argument too many: 'x'",
              "--help");
}

TEST(CommandLineTest, TyposGetTheNearestName) {
  ExpectUsage({"sumbit", "x"}, "unknown command 'laptime sumbit'", "did you mean 'submit'?");
  ExpectUsage({"run", "lst"}, "unknown command 'laptime run lst'", "did you mean 'list'?");
  ExpectUsage({"submit", "w", "--devise", "y"}, "laptime submit: unknown flag '--devise'",
              "did you mean '--device'?");
  ExpectUsage({"submit", "w", "--sever", "y"}, "laptime submit: unknown flag '--sever'",
              "did you mean '--server'?");
  ExpectUsage({"submit", "w", "-z"}, "laptime submit: unknown flag '-z'", "did you mean");
  ExpectUsage({"frobnicate"}, "unknown command 'laptime frobnicate'", "commands: up, submit");
}

TEST(CommandLineTest, FlagOfAnotherCommandIsUnknown) {
  ExpectUsage({"job", "list", "--detach"}, "laptime job list: unknown flag '--detach'", "--help");
}

TEST(CommandLineTest, GroupsWantACommand) {
  ExpectUsage({"job"}, "laptime job: a command is missing", "list, show, watch, wait, cancel");
  EXPECT_OK(ParseCommandLine({"job", "--help"}));
}

TEST(CommandLineTest, ArgumentsAreCountedAndTyped) {
  ExpectUsage({"run", "show"}, "laptime run show: run is required", "--help");
  ExpectUsage({"run", "show", "a", "b"}, "laptime run show: one argument too many: 'b'", "--help");
  ExpectUsage({"submit", "w", "--repeat", "0"}, "laptime submit: --repeat", "--help");
  ExpectUsage({"submit", "w", "--repeat", "1001"}, "laptime submit: --repeat", "1 to 1000");
  ExpectUsage({"submit", "w", "--repeat", "many"}, "laptime submit: --repeat", "--help");
  ExpectUsage({"submit", "w", "--repeat"}, "laptime submit: --repeat", "--help");
  ExpectUsage({"up", "--port", "70000"}, "laptime up: --port", "--help");
  ExpectUsage({"up", "--port", "1", "--listen", "a:1"}, "laptime up: --", "--help");
  ExpectUsage({"up", "--exit-when-done"}, "laptime up: --exit-when-done requires --run", "--help");
}

TEST(CommandLineTest, ExportsAreOfThreeKindsAndTwoFormats) {
  ExpectUsage({"export"}, "laptime export: a command is missing", "runs, epochs, samples");
  ExpectUsage({"export", "laps"}, "unknown command 'laptime export laps'", "commands: runs");
  ExpectUsage({"export", "runs", "--format", "md"}, "laptime export runs: --format", "--help");
  ExpectUsage({"run", "export", "1", "--format", "csv"}, "laptime run export: --format", "--help");
  EXPECT_OK(ParseCommandLine({"export", "runs", "--where", "state=failed", "--where", "kind=cpu"}));
}

TEST(CommandLineTest, UntilTakesAPercentage) {
  for (const char* percent : {"1", "1%", "0.5 %", "50"})
    EXPECT_OK(ParseCommandLine({"submit", "w", "--until", percent, "--max-repeats", "20"}));
  for (const char* percent : {"0.05", "51%", "%", "one", "", "1%%", "nan"})
    ExpectUsage({"submit", "w", "--until", percent}, "laptime submit: --until", "0.1 to 50 %");
  ExpectUsage({"submit", "w", "--max-repeats", "5"},
              "laptime submit: --max-repeats requires --until", "--help");
  ExpectUsage({"submit", "w", "--until", "1", "--max-repeats", "1001"},
              "laptime submit: --max-repeats", "1 to 1000");
}

TEST(CommandLineTest, FailIfSlowerTakesAPercentage) {
  for (const char* percent : {"0", "5", "5%", "2.5 %", "100000"})
    EXPECT_OK(ParseCommandLine({"compare", "a", "b", "--fail-if-slower", percent}));
  for (const char* percent : {"-1", "100001", "nan", "inf", "%", ""})
    ExpectUsage({"compare", "a", "b", "--fail-if-slower", percent},
                "laptime compare: --fail-if-slower", "0 to 100000 %");
}

TEST(CommandLineTest, MatrixAndFillTakeTheSameChoice) {
  for (const char* command : {"matrix", "fill"}) {
    EXPECT_OK(ParseCommandLine({command, "--workload", "v", "--workload", "w", "--device", "all",
                                "--set", "epochs=1", "--runs", "5", "--fresh", "0.5"}));
    ExpectUsage({command, "--runs", "0"}, std::string("laptime ") + command + ": --runs",
                "1 to 1000");
    for (const char* days : {"0", "-1", "36501", "old"})
      ExpectUsage({command, "--fresh", days}, std::string("laptime ") + command + ": --fresh",
                  "--help");
  }
  EXPECT_OK(ParseCommandLine({"fill", "--dry-run"}));
  EXPECT_OK(ParseCommandLine({"fill", "--detach"}));
  ExpectUsage({"matrix", "--detach"}, "laptime matrix: unknown flag '--detach'", "--help");
}

TEST(CommandLineTest, AnIdMayBeTheNameOfACommand) {
  EXPECT_OK(ParseCommandLine({"workload", "explain", "job"}));
  EXPECT_OK(ParseCommandLine({"device", "rename", "box/cpu", "device"}));
}

TEST(CommandLineTest, NegativeValuesBelongToTheirFlag) {
  EXPECT_OK(ParseCommandLine({"submit", "w", "--priority", "-5"}));
}

TEST(CommandLineTest, HelpIsTextAndNoCommand) {
  const auto root = ParseCommandLine({});
  ASSERT_OK(root);
  EXPECT_FALSE(root->run);
  EXPECT_THAT(root->help, HasSubstr("submit"));
  const auto submit = ParseCommandLine({"submit", "--help"});
  ASSERT_OK(submit);
  EXPECT_FALSE(submit->run);
  EXPECT_THAT(submit->help, AllOf(HasSubstr("laptime submit"), HasSubstr("--dry-run")));
}

TEST(CommandLineTest, LaterIssuesLeaveNoStub) {
  for (const char* command : {"top", "completion"}) {
    EXPECT_THAT(ParseCommandLine({command}),
                StatusIs(absl::StatusCode::kInvalidArgument, StartsWith("unknown command")));
  }
}

}  // namespace
}  // namespace laptime::client
