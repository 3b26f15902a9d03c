#include "client/submission.h"

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
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SubmissionTest : public ::testing::Test {
 protected:
  // Options for a job file with this text.
  SubmitOptions FileWith(const std::string& text) {
    SubmitOptions options;
    options.workload = dir_.File("job.toml");
    std::ofstream(options.workload) << text;
    return options;
  }

  void ExpectRefused(const std::string& text, const std::string& words,
                     const std::string& more = "") {
    EXPECT_THAT(MakeSubmission(FileWith(text)), StatusIs(absl::StatusCode::kInvalidArgument,
                                                         AllOf(HasSubstr(dir_.File("job.toml")),
                                                               HasSubstr(words), HasSubstr(more))))
        << text;
  }

  TempDir dir_;
};

TEST_F(SubmissionTest, CommandLineIsPassedAsTyped) {
  SubmitOptions options;
  options.workload = "simclr-cifar10";
  options.devices = {"kind=cpu", "studio/*"};
  options.settings = {"epochs=1", "model=a=b", "epochs=3"};
  options.repeats = 3;
  options.priority = -2;
  options.interleave = true;
  options.until_percent = 1.5;
  options.most_repeats = 20;
  options.dry_run = true;
  options.idempotency_key = "mine";
  const auto request = MakeSubmission(options);
  ASSERT_OK(request);
  EXPECT_EQ(request->workload(), "simclr-cifar10");
  EXPECT_THAT(request->selectors(), ElementsAre("kind=cpu", "studio/*"));
  EXPECT_THAT(request->settings(), UnorderedElementsAre(Pair("epochs", "3"), Pair("model", "a=b")));
  EXPECT_EQ(request->repeats(), 3);
  EXPECT_EQ(request->priority(), -2);
  EXPECT_TRUE(request->interleave());
  EXPECT_EQ(request->until_percent(), 1.5);
  EXPECT_EQ(request->most_repeats(), 20);
  EXPECT_TRUE(request->dry_run());
  EXPECT_EQ(request->idempotency_key(), "mine");
}

TEST_F(SubmissionTest, KeyIsRandomByDefault) {
  SubmitOptions options;
  options.workload = "w";
  const auto first = MakeSubmission(options);
  const auto second = MakeSubmission(options);
  ASSERT_OK(first);
  EXPECT_EQ(first->idempotency_key().size(), 32u);
  EXPECT_NE(first->idempotency_key(), second->idempotency_key());
}

TEST_F(SubmissionTest, SettingNeedsKeyAndEqualsSign) {
  for (const char* text : {"epochs", "=1", ""}) {
    EXPECT_THAT(ParseSetting(text),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("KEY=VALUE")))
        << text;
  }
  EXPECT_EQ(ParseSetting("a=")->second, "");
}

TEST_F(SubmissionTest, FileHoldsTheWholeJob) {
  const auto request = MakeSubmission(FileWith(R"(
    workload = "simclr-cifar10"
    devices = ["kind=mps", "box/cpu"]
    repeat = 2
    priority = 7
    interleave = true
    until = 2
    max_repeats = 12
    [set]
    epochs = 4
    learning_rate = 0.5
    gather_negatives = true
    precision = "bf16"
  )"));
  ASSERT_OK(request);
  EXPECT_EQ(request->workload(), "simclr-cifar10");
  EXPECT_THAT(request->selectors(), ElementsAre("kind=mps", "box/cpu"));
  EXPECT_EQ(request->repeats(), 2);
  EXPECT_EQ(request->priority(), 7);
  EXPECT_TRUE(request->interleave());
  EXPECT_EQ(request->until_percent(), 2);
  EXPECT_EQ(request->most_repeats(), 12);
  EXPECT_THAT(request->settings(),
              UnorderedElementsAre(Pair("epochs", "4"), Pair("learning_rate", "0.5"),
                                   Pair("gather_negatives", "true"), Pair("precision", "bf16")));
}

TEST_F(SubmissionTest, CommandLineWinsOverTheFile) {
  SubmitOptions options =
      FileWith("workload = \"w\"\ndevices = \"a/cpu\"\nrepeat = 2\n[set]\nepochs = 4\nseed = 1\n");
  options.devices = {"b/cpu"};
  options.settings = {"epochs=9"};
  options.repeats = 5;
  const auto request = MakeSubmission(options);
  ASSERT_OK(request);
  EXPECT_THAT(request->selectors(), ElementsAre("b/cpu"));
  EXPECT_EQ(request->repeats(), 5);
  EXPECT_THAT(request->settings(), UnorderedElementsAre(Pair("epochs", "9"), Pair("seed", "1")));
}

TEST_F(SubmissionTest, BadFilesAreNamed) {
  ExpectRefused("workload = \"w\"\nrepat = 2\n", "unknown key 'repat'", "did you mean 'repeat'?");
  ExpectRefused("workload = \n", ":1: ");
  ExpectRefused("repeat = 2\n", "workload is missing");
  ExpectRefused("workload = 3\n", "workload must be a text");
  ExpectRefused("workload = \"w\"\nrepeat = \"two\"\n", "repeat must be an integer");
  ExpectRefused("workload = \"w\"\nrepeat = 99999999999\n", "repeat must be an integer");
  ExpectRefused("workload = \"w\"\ndevices = [1]\n", "devices must be a list of texts");
  ExpectRefused("workload = \"w\"\nset = 1\n", "set must be a table");
  ExpectRefused("workload = \"w\"\nuntil = \"1%\"\n", "until must be a number, in percent");
  ExpectRefused("workload = \"w\"\ninterleave = 1\n", "interleave must be true or false");
  ExpectRefused("workload = \"w\"\nmax_repeats = 0\n", "max_repeats must be an integer from 1");
  ExpectRefused("workload = \"w\"\n[set]\nepochs = [1]\n", "[set] epochs");
}

TEST_F(SubmissionTest, MissingFileIsNamed) {
  SubmitOptions options;
  options.workload = dir_.File("none.toml");
  EXPECT_THAT(MakeSubmission(options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("does not exist")));
}

}  // namespace
}  // namespace laptime::client
