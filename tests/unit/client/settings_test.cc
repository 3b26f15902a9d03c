#include "client/settings.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using ::laptime::testing::StatusIs;
using ::laptime::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    sources_.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
  }

  // Adds a file that is weaker than those before it.
  std::string AddFile(const std::string& name, const std::string& text) {
    std::ofstream(dir_.File(name)) << text;
    sources_.files.push_back(dir_.File(name));
    return dir_.File(name);
  }

  Setting Get(const std::string& name) {
    const auto settings = LoadSettings(sources_);
    EXPECT_OK(settings);
    return settings.ok() ? settings->at(name) : Setting();
  }

  TempDir dir_;
  std::map<std::string, std::string> variables_{{"HOME", "/home/ada"}};
  SettingSources sources_;
};

TEST_F(SettingsTest, DefaultsSayThatTheyAre) {
  EXPECT_EQ(Get("server").value, "127.0.0.1:7440");
  EXPECT_EQ(Get("server").origin, "default");
  EXPECT_EQ(Get("state").value, "/home/ada/.local/state/laptime");
}

TEST_F(SettingsTest, StrongerSourcesWinOneByOne) {
  const std::string strong = AddFile("laptime.toml", "timeout = 20\n");
  const std::string weak = AddFile("config.toml", "timeout = 30\nserver = \"box:1\"\n");
  EXPECT_EQ(Get("timeout").value, "20");
  EXPECT_EQ(Get("timeout").origin, strong);
  EXPECT_EQ(Get("server").value, "box:1");
  EXPECT_EQ(Get("server").origin, weak);
  variables_["LAPTIME_SERVER"] = "box:2";
  EXPECT_EQ(Get("server").value, "box:2");
  EXPECT_EQ(Get("server").origin, "environment LAPTIME_SERVER");
  sources_.flags["server"] = "box:3";
  EXPECT_EQ(Get("server").value, "box:3");
  EXPECT_EQ(Get("server").origin, "flag --server");
}

TEST_F(SettingsTest, AnEmptyVariableIsAsGoodAsNone) {
  variables_["LAPTIME_SERVER"] = "";
  EXPECT_EQ(Get("server").origin, "default");
}

TEST_F(SettingsTest, FlagOriginIsSpelledAsTheFlag) {
  sources_.flags["no_input"] = "true";
  EXPECT_EQ(Get("no_input").origin, "flag --no-input");
}

TEST_F(SettingsTest, FileMayHoldTruthAndNumbers) {
  AddFile("a.toml", "no_input = true\ntimeout = 0.1\n");
  EXPECT_EQ(Get("no_input").value, "true");
  EXPECT_EQ(Get("timeout").value, "0.1");
}

TEST_F(SettingsTest, MissingFilesAreNoError) {
  sources_.files.push_back(dir_.File("none.toml"));
  EXPECT_EQ(Get("output").value, "table");
}

TEST_F(SettingsTest, UnknownKeyNamesFileKeyAndNearest) {
  const std::string file = AddFile("a.toml", "sever = \"box:1\"\n");
  EXPECT_THAT(LoadSettings(sources_), StatusIs(absl::StatusCode::kInvalidArgument,
                                               AllOf(HasSubstr(file), HasSubstr("'sever'"),
                                                     HasSubstr("did you mean 'server'?"))));
}

TEST_F(SettingsTest, BrokenFileNamesTheLine) {
  const std::string file = AddFile("a.toml", "server = \"box:1\"\noutput = = 3\n");
  EXPECT_THAT(LoadSettings(sources_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(file + ":2")));
}

TEST_F(SettingsTest, TableInsteadOfAValueIsRefused) {
  AddFile("a.toml", "[server]\nname = \"x\"\n");
  EXPECT_THAT(LoadSettings(sources_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("server must be")));
}

TEST_F(SettingsTest, ImpossibleValuesNameTheirOrigin) {
  variables_["LAPTIME_OUTPUT"] = "jsn";
  EXPECT_THAT(LoadSettings(sources_), StatusIs(absl::StatusCode::kInvalidArgument,
                                               AllOf(HasSubstr("environment LAPTIME_OUTPUT"),
                                                     HasSubstr("did you mean 'json'?"))));
  variables_.erase("LAPTIME_OUTPUT");
  for (const char* timeout : {"0", "-1", "soon", "1e7", "nan"}) {
    sources_.flags["timeout"] = timeout;
    EXPECT_THAT(LoadSettings(sources_),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("timeout")))
        << timeout;
  }
}

TEST_F(SettingsTest, FilesAreSearchedInOrder) {
  EXPECT_THAT(SettingFiles(sources_.environment),
              ElementsAre("./laptime.toml", "/home/ada/.config/laptime/config.toml",
                          "/etc/laptime/config.toml"));
  variables_["XDG_CONFIG_HOME"] = "/conf";
  EXPECT_THAT(
      SettingFiles(sources_.environment),
      ElementsAre("./laptime.toml", "/conf/laptime/config.toml", "/etc/laptime/config.toml"));
}

TEST_F(SettingsTest, StateDirectoryFollowsTheEnvironment) {
  variables_["XDG_STATE_HOME"] = "/state";
  EXPECT_EQ(Get("state").value, "/state/laptime");
  variables_.clear();
  EXPECT_EQ(Get("state").value, "");
}

}  // namespace
}  // namespace laptime::client
