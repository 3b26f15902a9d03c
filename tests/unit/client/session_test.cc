#include "client/session.h"

#include <gmock/gmock.h>

#include <sstream>

#include "client/exit_codes.h"
#include "client/local_fleet.h"
#include "tests/testing/status_matchers.h"

namespace laptime::client {
namespace {

using ::testing::HasSubstr;

class SessionTest : public ::testing::Test {
 protected:
  Session Make(GlobalOptions options = {}, bool terminal = false) {
    SettingSources sources;
    sources.flags = options.settings;
    sources.environment = [](const std::string&) { return std::nullopt; };
    auto settings = LoadSettings(sources);
    EXPECT_OK(settings);
    return {*settings, options, {out_, err_, in_, terminal, terminal, terminal}, interrupt_};
  }

  std::ostringstream out_;
  std::ostringstream err_;
  std::istringstream in_;
  Interrupt interrupt_;
};

TEST_F(SessionTest, ErrorsAreOneLineAndAHint) {
  Session session = Make();
  EXPECT_EQ(session.Fail(absl::NotFoundError("run 7f: unknown\nlaptime run list shows them")),
            kExitNotFound);
  EXPECT_EQ(err_.str(), "error: run 7f: unknown\nhint: laptime run list shows them\n");
}

TEST_F(SessionTest, ErrorsOfAServerCannotPaint) {
  EXPECT_EQ(ErrorText(absl::InternalError("a\033[2Jb")), "error: a?[2Jb\n");
}

TEST_F(SessionTest, UnreachableNamesTheAddressAndWhereItCameFrom) {
  Session session = Make();
  const absl::Status status =
      session.Explain(absl::UnavailableError("failed to connect to all addresses"));
  EXPECT_EQ(MessageOf(status), "no coordinator answers at 127.0.0.1:7440 (default)");
  EXPECT_THAT(HintOf(status), HasSubstr("`laptime up` starts one here"));
}

TEST_F(SessionTest, ACommandThatAnOlderCoordinatorDoesNotKnowIsToldSo) {
  Session session = Make();
  const absl::Status status = session.Explain(absl::UnimplementedError(""));
  EXPECT_EQ(MessageOf(status),
            "the coordinator at 127.0.0.1:7440 (default) does not know this command");
  EXPECT_THAT(HintOf(status), HasSubstr("older than this laptime"));
}

TEST_F(SessionTest, QuietSaysNothingButErrors) {
  GlobalOptions options;
  options.quiet = true;
  Session session = Make(options);
  session.Say("words");
  EXPECT_EQ(err_.str(), "");
  session.Fail(absl::InternalError("broken"));
  EXPECT_EQ(err_.str(), "error: broken\n");
}

TEST_F(SessionTest, AsksOnlyAPersonAtATerminal) {
  EXPECT_TRUE(Make({}, false).Confirm("cancel?"));
  in_.str("n\n");
  EXPECT_FALSE(Make({}, true).Confirm("cancel?"));
  EXPECT_EQ(err_.str(), "cancel? [y/N] ");
  in_.str("y\n");
  EXPECT_TRUE(Make({}, true).Confirm("cancel?"));
  GlobalOptions yes;
  yes.yes = true;
  in_.str("n\n");
  EXPECT_TRUE(Make(yes, true).Confirm("cancel?"));
  GlobalOptions no_input;
  no_input.settings["no_input"] = "true";
  EXPECT_TRUE(Make(no_input, true).Confirm("cancel?"));
}

TEST_F(SessionTest, WaitingIsLimitedByTheFlagOnly) {
  EXPECT_EQ(Make().wait_limit(), std::nullopt);
  EXPECT_EQ(Make().timeout(), std::chrono::seconds(10));
  GlobalOptions options;
  options.settings["timeout"] = "2.5";
  EXPECT_EQ(Make(options).wait_limit(), std::chrono::milliseconds(2500));
}

TEST_F(SessionTest, ColorFollowsTheSetting) {
  EXPECT_FALSE(Make().look().color);
  GlobalOptions options;
  options.settings["color"] = "always";
  EXPECT_TRUE(Make(options).look().color);
  options.settings["color"] = "never";
  EXPECT_FALSE(Make(options, true).look().color);
}

TEST_F(SessionTest, ColorIsOnOnATerminalUnlessTheEnvironmentSaysNo) {
  unsetenv("NO_COLOR");
  EXPECT_TRUE(Make({}, /*terminal=*/true).look().color);
  setenv("NO_COLOR", "", 1);  // as https://no-color.org has it: empty is not set
  EXPECT_TRUE(Make({}, /*terminal=*/true).look().color);
  setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(Make({}, /*terminal=*/true).look().color);
  GlobalOptions options;
  options.settings["color"] = "always";
  EXPECT_TRUE(Make(options).look().color);
  unsetenv("NO_COLOR");
}

TEST(InterruptTest, NobodyWaitsUntilItIsTaken) {
  Interrupt interrupt;
  EXPECT_FALSE(interrupt.Raise());
  const std::stop_token stop = interrupt.Take();
  EXPECT_TRUE(interrupt.Raise());
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_FALSE(interrupt.Raise()) << "the second one ends the process";
}

TEST(ErrorInLogTest, TakesTheProgramsOwnWords) {
  const absl::Status status =
      ErrorInLog("starting\nerror: cannot listen: the port is in use\nhint: --port 0\n",
                 absl::StatusCode::kInternal, "ended");
  EXPECT_EQ(MessageOf(status), "cannot listen: the port is in use");
  EXPECT_EQ(HintOf(status), "--port 0");
  EXPECT_EQ(MessageOf(ErrorInLog("nothing\n", absl::StatusCode::kInternal, "ended")), "ended");
}

TEST(TailOfTest, TakesTheLastLines) {
  EXPECT_EQ(TailOf("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(TailOf("a\nb\nc", 1), "c");
  EXPECT_EQ(TailOf("a\n", 5), "a\n");
  EXPECT_EQ(TailOf("", 5), "");
}

}  // namespace
}  // namespace laptime::client
