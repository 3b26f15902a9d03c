#include "client/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "client/exit_codes.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace laptime::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What commands do before they ask a coordinator, or without one.
class CommandsTest : public ::testing::Test {
 protected:
  Session Make(GlobalOptions options, const std::string& configured_output = "") {
    SettingSources sources;
    sources.flags = options.settings;
    sources.environment =
        [configured_output](const std::string& name) -> std::optional<std::string> {
      if (name == "LAPTIME_OUTPUT") return configured_output;
      return std::nullopt;
    };
    auto settings = LoadSettings(sources);
    EXPECT_OK(settings);
    return {*settings, std::move(options), {out_, err_, in_}, interrupt_};
  }

  static GlobalOptions Output(const std::string& format) {
    GlobalOptions options;
    options.settings["output"] = format;
    return options;
  }

  std::ostringstream out_;
  std::ostringstream err_;
  std::istringstream in_;
  Interrupt interrupt_;
};

TEST_F(CommandsTest, ExportRefusesOnlyAFormatOfTheCommandLine) {
  Session named = Make(Output("md"));
  EXPECT_EQ(RunExport(named, {"runs", {}, ""}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("rows are written as csv or jsonl, not md"));
  // Configured: it goes on to the next mistake, which only csv makes.
  GlobalOptions wrong_field;
  wrong_field.fields = {"stat"};
  Session configured = Make(wrong_field, "md");
  err_.str("");
  EXPECT_EQ(RunExport(configured, {"runs", {}, ""}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean 'state'?"));
  Session lines = Make(wrong_field, "jsonl");
  err_.str("");
  EXPECT_EQ(RunExport(lines, {"runs", {}, ""}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("lines of JSON hold whole messages"));
}

TEST_F(CommandsTest, ABundleTakesNoOutputFormat) {
  Session session = Make(Output("csv"));
  EXPECT_EQ(RunRunExport(session, {"last", "", ""}), kExitUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("-o csv does not apply"), HasSubstr("hint: --format")));
}

TEST_F(CommandsTest, AFolderIsNoInputOfAny) {
  const testing::TempDir dir;
  Session session = Make({});
  EXPECT_EQ(RunRunVerify(session, {dir.path()}), kExitUsage);
  EXPECT_EQ(RunImport(session, {dir.path()}), kExitUsage);
  const std::string said = "error: " + dir.path().string() + ": cannot be read\nhint: name a file";
  EXPECT_THAT(err_.str(), AllOf(::testing::StartsWith(said), HasSubstr("\n" + said)));
}

TEST_F(CommandsTest, ABackupReplacesNothingUnasked) {
  const testing::TempDir dir;
  const std::string file = dir.File("copy.db");
  std::ofstream(file) << "precious";
  Session session = Make({});
  EXPECT_EQ(RunServerBackup(session, {file}), kExitFailure);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr(file + " is there already"), HasSubstr("hint: --yes")));
}

TEST_F(CommandsTest, GcTakesAnAge) {
  Session session = Make({});
  EXPECT_EQ(RunServerGc(session, {"soon", false, false}), kExitUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--older-than: 'soon' is no age"));
}

TEST_F(CommandsTest, VerifyReadsStandardInput) {
  in_.str("hello\n");
  Session session = Make({});
  EXPECT_EQ(RunRunVerify(session, {"-"}), kExitFailure);
  EXPECT_THAT(err_.str(), HasSubstr("no bundle of a run"));
}

}  // namespace
}  // namespace laptime::client
