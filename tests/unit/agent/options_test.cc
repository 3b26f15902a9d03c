#include "agent/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>

#include "tests/testing/temp_dir.h"

namespace laptime::agent {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Verb = ParsedCommand::Verb;

// An environment of its own: no configuration of the person who runs the tests.
class OptionsTest : public ::testing::Test {
 protected:
  OptionsTest() {
    for (const char* name :
         {"LAPTIME_SERVER", "LAPTIME_NAME", "LAPTIME_STATE", "LAPTIME_DATA",
          "LAPTIME_STALL_TIMEOUT", "LAPTIME_MACHINE_LOCK", "XDG_STATE_HOME", "XDG_DATA_HOME"}) {
      Set(name, std::nullopt);
    }
    Set("XDG_CONFIG_HOME", dir_.path().string());
    Set("HOME", "/home/me");
  }
  ~OptionsTest() override {
    for (const auto& [name, value] : before_) Put(name, value);
  }

  void Set(const std::string& name, const std::optional<std::string>& value) {
    const char* now = std::getenv(name.c_str());
    before_.emplace(name, now == nullptr ? std::nullopt : std::optional<std::string>(now));
    Put(name, value);
  }
  void WriteConfig(const std::string& text) {
    std::filesystem::create_directories(dir_.path() / "laptime");
    std::ofstream(dir_.path() / "laptime" / "agent.toml") << text;
  }
  static ParsedCommand Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "laptime-agent");
    return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
  }

  testing::TempDir dir_;

 private:
  static void Put(const std::string& name, const std::optional<std::string>& value) {
    if (value) {
      setenv(name.c_str(), value->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }

  std::map<std::string, std::optional<std::string>> before_;
};

TEST_F(OptionsTest, HasDefaultsForEverything) {
  const ParsedCommand parsed = Parse({"run"});
  ASSERT_EQ(parsed.verb, Verb::kRun) << parsed.error;
  EXPECT_EQ(parsed.run.server, std::nullopt);
  EXPECT_EQ(parsed.run.state_dir, "/home/me/.local/state/laptime/agent");
  EXPECT_EQ(parsed.run.data_dir, "/home/me/.local/share/laptime");
  EXPECT_EQ(parsed.run.stall_timeout, std::chrono::minutes(10));
  EXPECT_FALSE(parsed.run.name.empty());
  EXPECT_FALSE(parsed.run.once);
  EXPECT_FALSE(parsed.run.run_in_parallel);
  EXPECT_EQ(parsed.run.machine_lock, "/tmp/laptime-machine.lock");
}

TEST_F(OptionsTest, TakesFlagsBeforeEnvironmentBeforeFileBeforeDefault) {
  WriteConfig("server = \"file:1\"\nname = \"file\"\nstate = \"/file\"\nstall_timeout = \"1m\"\n");
  EXPECT_EQ(Parse({"run"}).run.server, "file:1");
  Set("LAPTIME_SERVER", "environment:1");
  Set("LAPTIME_STATE", "/environment");
  Set("LAPTIME_MACHINE_LOCK", "/environment/lock");
  const ParsedCommand parsed = Parse({"run", "--server", "flag:1", "--once"});
  EXPECT_EQ(parsed.run.server, "flag:1");
  EXPECT_EQ(parsed.run.state_dir, "/environment");
  EXPECT_EQ(parsed.run.machine_lock, "/environment/lock");
  // Flags that other commands have too.
  EXPECT_EQ(Parse({"run", "--state", "/flag"}).run.state_dir, "/flag");
  EXPECT_EQ(Parse({"probe", "--state", "/flag"}).probe.state_dir, "/flag");
  EXPECT_EQ(Parse({"join", "--token-file", "-", "--server", "flag:2"}).join.server, "flag:2");
  EXPECT_EQ(Parse({"join", "--token-file", "-"}).join.server, "environment:1");
  EXPECT_FALSE(Parse({"join", "--token-file", "-"}).join.if_needed);
  EXPECT_TRUE(Parse({"join", "--token-file", "-", "--if-needed"}).join.if_needed);
  EXPECT_EQ(parsed.run.name, "file");
  EXPECT_EQ(parsed.run.stall_timeout, std::chrono::minutes(1));
  EXPECT_TRUE(parsed.run.once);
  EXPECT_EQ(Parse({"run", "--stall-timeout", "5s"}).run.stall_timeout, std::chrono::seconds(5));
  EXPECT_EQ(Parse({"run", "--probe-after", "5s"}).run.probe_after, std::chrono::seconds(5));
  EXPECT_TRUE(Parse({"run", "--probe-after", "5s"}).run.probe_by_itself);
  EXPECT_FALSE(Parse({"run", "--probe-after", "off"}).run.probe_by_itself);
}

TEST_F(OptionsTest, ReadsTheFileThatIsNamed) {
  WriteConfig("name = \"usual\"\n");
  std::ofstream(dir_.File("other.toml"))
      << "name = \"other\"\n[[device]]\nname=\"cpu-1t\"\nkind=\"cpu\"\nthreads=1\n";
  const ParsedCommand parsed = Parse({"run", "--config", dir_.File("other.toml").c_str()});
  EXPECT_EQ(parsed.run.name, "other");
  ASSERT_EQ(parsed.run.devices.size(), 1u);
}

TEST_F(OptionsTest, KnowsTheDataCommands) {
  ParsedCommand parsed = Parse({"data", "check", "--data", "/d", "--official"});
  EXPECT_EQ(parsed.verb, Verb::kDataCheck);
  EXPECT_EQ(parsed.data.data_dir, "/d");
  EXPECT_TRUE(parsed.data.official);
  parsed = Parse({"data", "fetch", "cifar10", "--url", "http://mirror/x"});
  EXPECT_EQ(parsed.verb, Verb::kDataFetch);
  EXPECT_EQ(parsed.data.url, "http://mirror/x");
  EXPECT_EQ(parsed.data.data_dir, "/home/me/.local/share/laptime");
}

TEST_F(OptionsTest, PrintsHelpAndVersion) {
  EXPECT_THAT(Parse({"version"}).out, HasSubstr("laptime-agent "));
  const ParsedCommand help = Parse({"run", "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("--server"));
}

TEST_F(OptionsTest, RefusesWrongUseWithOneLineAndAHint) {
  WriteConfig("servr = \"x\"\n");
  const std::string missing = dir_.File("none.toml");
  const std::string usual = (dir_.path() / "laptime" / "agent.toml").string();
  const std::vector<std::pair<std::vector<const char*>, std::string>> cases = {
      {{}, "hint: laptime-agent --help"},
      {{"rum"}, "did you mean 'run'?"},
      {{"run", "--sever", "x"}, "did you mean '--server'?"},
      {{"run"}, "did you mean 'server'?"},
      {{"run", "--config", missing.c_str()}, "there is no configuration file"},
      {{"data", "check", "mnist"}, "cifar10"},
      {{"run", "--log-level", "loud"}, "--log-level"},
  };
  for (const auto& [arguments, expected] : cases) {
    const ParsedCommand parsed = Parse(arguments);
    EXPECT_EQ(parsed.verb, Verb::kNone);
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.error,
                AllOf(HasSubstr("error: "), HasSubstr("\nhint: "), HasSubstr(expected)));
  }
  WriteConfig("");
  EXPECT_THAT(Parse({"run", "--name", "a/b"}).error, HasSubstr("--name: 'a/b'"));
  EXPECT_THAT(Parse({"run", "--stall-timeout", "soon"}).error,
              HasSubstr("--stall-timeout: 'soon'"));
  EXPECT_THAT(Parse({"run", "--probe-after", "soon"}).error, HasSubstr("or off"));
}

}  // namespace
}  // namespace laptime::agent
