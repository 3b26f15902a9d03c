#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "server/options.h"

namespace laptime {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

ParsedCommand Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "laptime-server");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(ServerOptionsTest, ServesLoopbackByDefault) {
  const ParsedCommand parsed = Parse({"serve"});
  ASSERT_EQ(parsed.verb, ParsedCommand::Verb::kServe) << parsed.error;
  EXPECT_EQ(parsed.command.server.grpc.address, "127.0.0.1:7440");
  EXPECT_EQ(parsed.command.server.coordinator.lost_after, std::chrono::hours(24));
}

TEST(ServerOptionsTest, PortAloneMeansThisMachine) {
  EXPECT_EQ(Parse({"serve", "--port", "0"}).command.server.grpc.address, "127.0.0.1:0");
}

TEST(ServerOptionsTest, TakesStateAndListen) {
  const ParsedCommand parsed = Parse({"serve", "--listen", "[::1]:9000", "--state", "/tmp/x"});
  EXPECT_EQ(parsed.command.server.grpc.address, "[::1]:9000");
  EXPECT_EQ(parsed.command.server.state_dir, "/tmp/x");
}

TEST(ServerOptionsTest, AFlagBeatsTheEnvironment) {
  setenv("LAPTIME_LISTEN", "127.0.0.1:9001", /*overwrite=*/1);
  const ParsedCommand variable = Parse({"serve"});
  const ParsedCommand flag = Parse({"serve", "--port", "9002"});
  unsetenv("LAPTIME_LISTEN");
  EXPECT_EQ(variable.command.server.grpc.address, "127.0.0.1:9001");
  EXPECT_EQ(flag.command.server.grpc.address, "127.0.0.1:9002") << flag.error;
  EXPECT_EQ(Parse({"serve", "--port", "1", "--listen", "127.0.0.1:2"}).exit_code, 2);
}

TEST(ServerOptionsTest, AWrongFlagExitsWithTwoAndTheNearest) {
  const ParsedCommand parsed = Parse({"serve", "--prot", "1"});
  EXPECT_NE(parsed.verb, ParsedCommand::Verb::kServe);
  EXPECT_EQ(parsed.exit_code, 2);
  EXPECT_THAT(parsed.error, HasSubstr("did you mean '--port'?"));
}

TEST(ServerOptionsTest, AWrongCommandExitsWithTwoAndTheNearest) {
  EXPECT_THAT(Parse({"serv"}).error, HasSubstr("\nhint: did you mean 'serve'?\n"));
  EXPECT_THAT(Parse({}).error, HasSubstr("\nhint: laptime-server --help\n"));
}

TEST(ServerOptionsTest, HelpIsNoMistake) {
  const ParsedCommand help = Parse({"serve", "--help"});
  EXPECT_EQ(help.verb, ParsedCommand::Verb::kNone);
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, AllOf(HasSubstr("laptime-server serve"), HasSubstr("--listen")));
  EXPECT_TRUE(help.error.empty());
}

TEST(ServerOptionsTest, ImpossibleValuesExitWithTwo) {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"serve", "--port", "70000"},
        {"serve", "--port", "x"},
        {"serve", "--lost-after", "0"},
        {"serve", "--port", "1", "--listen", "127.0.0.1:2"},
        {},
        {"serv"}}) {
    const ParsedCommand parsed = Parse(arguments);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.error, HasSubstr("error: "));
  }
}

}  // namespace
}  // namespace laptime
