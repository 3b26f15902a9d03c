#include "agent/trainer/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "agent/trainer/contract.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

using ::testing::HasSubstr;

Command Parse(std::vector<std::string> words) {
  words.insert(words.begin(), kProgram);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return ParseCommandLine(static_cast<int>(words.size()), argv.data());
}

TEST(CommandLineTest, TakesAWorkloadAndItsSettings) {
  const auto parsed = Parse({"train", "--workload", "simclr-cifar10", "--set", "epochs=1", "--set",
                             "seed=7", "--device", "cuda:1", "--data", "/d", "--threads", "3",
                             "--resume-at-most", "0", "--memory-format", "contiguous"});
  ASSERT_TRUE(std::holds_alternative<TrainOptions>(parsed));
  const auto& options = std::get<TrainOptions>(parsed);
  EXPECT_EQ(options.device, "cuda:1");
  EXPECT_EQ(options.data_dir, "/d");
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.resume_at_most, 0);
  EXPECT_EQ(options.memory_format, kContiguous);
  const auto spec = WorkloadOf(options);
  ASSERT_TRUE(std::holds_alternative<WorkloadSpec>(spec));
  EXPECT_EQ(std::get<WorkloadSpec>(spec).config.at("seed"), 7);
}

TEST(CommandLineTest, CanBeWrittenAgain) {
  TrainOptions options;
  options.workload = "simclr-cifar10";
  options.settings = {{"devices_per_run", "2"}, {"seed", "7"}};
  options.device = "cuda:1";
  options.data_dir = "/a b";
  options.checkpoint = "c.pt";
  options.resume_at_most = 0;
  options.threads = 3;
  options.memory_format = kContiguous;
  options.parent_pid = 17;
  options.parent_pipe = 5;
  options.rank = 1;
  options.meeting = 4;
  const Command parsed = Parse(ToArguments(options));
  ASSERT_TRUE(std::holds_alternative<TrainOptions>(parsed));
  EXPECT_EQ(std::get<TrainOptions>(parsed), options);
}

TEST(CommandLineTest, KnowsTheCommandsForTheComparison) {
  const Command replay = Parse({"replay", "views.pt", "--save-state", "state.pt"});
  ASSERT_TRUE(std::holds_alternative<ReplayOptions>(replay));
  EXPECT_EQ(std::get<ReplayOptions>(replay).file, "views.pt");
  EXPECT_EQ(std::get<ReplayOptions>(replay).save_state, "state.pt");
  const Command augment = Parse({"augment", "draws.pt", "--output", "views.pt"});
  ASSERT_TRUE(std::holds_alternative<AugmentOptions>(augment));
  EXPECT_EQ(std::get<AugmentOptions>(augment).output, "views.pt");
  EXPECT_TRUE(std::holds_alternative<VoteOptions>(Parse({"knn", "bank.pt"})));
  EXPECT_TRUE(
      std::holds_alternative<FeaturesOptions>(Parse({"features", "a.pt", "--output", "b.pt"})));
  const Command draws = Parse({"draws", "--output", "d.pt", "--images", "7", "--epoch", "2"});
  ASSERT_TRUE(std::holds_alternative<DrawsOptions>(draws));
  EXPECT_EQ(std::get<DrawsOptions>(draws).images, 7);
  EXPECT_EQ(std::get<DrawsOptions>(draws).epoch, 2);
  const Command init = Parse({"init", "--output", "s.pt", "--seed", "5"});
  ASSERT_TRUE(std::holds_alternative<InitOptions>(init));
  EXPECT_EQ(std::get<InitOptions>(init).seed, 5u);
}

TEST(CommandLineTest, RefusesWhatItDoesNotKnowAsUsage) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {},
           {"run"},
           {"train"},
           {"train", "--workload"},
           {"train", "--workload", "simclr-cifar10", "--threads", "0"},
           {"train", "--workload", "simclr-cifar10", "--threads", "many"},
           {"train", "--workload", "simclr-cifar10", "--set", "epochs"},
           {"train", "--workload", "simclr-cifar10", "--config", "f.json"},
           {"train", "--workload", "simclr-cifar10", "--colour", "red"},
           {"replay"},
           {"replay", "a.pt", "b.pt"},
           {"augment", "draws.pt"},
           {"knn"},
           {"draws", "--output", "d.pt", "--images", "0"},
           {"init", "--seed", "1"}}) {
    ::testing::internal::CaptureStderr();
    const auto parsed = Parse(words);
    EXPECT_THAT(::testing::internal::GetCapturedStderr(), HasSubstr("hint: "));
    ASSERT_TRUE(std::holds_alternative<int>(parsed));
    EXPECT_EQ(std::get<int>(parsed), kExitUsage);
  }
}

class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFileTest() { options_.config_file = dir_.File("config.json"); }

  std::variant<WorkloadSpec, SpecError> With(const std::string& text) {
    std::ofstream(options_.config_file) << text;
    return WorkloadOf(options_);
  }

  std::string ErrorOf(const std::string& text) {
    const auto spec = With(text);
    const auto* error = std::get_if<SpecError>(&spec);
    return error == nullptr ? "no error" : error->message;
  }

  const testing::TempDir dir_;
  TrainOptions options_;
};

TEST_F(ConfigFileTest, HoldsTheWorkloadAsTheAgentGotIt) {
  const auto spec =
      With(R"({"workload":"simclr-cifar10","config":{"batch_size":64.0,"precision":"bf16"}})");
  ASSERT_TRUE(std::holds_alternative<WorkloadSpec>(spec));
  EXPECT_EQ(std::get<WorkloadSpec>(spec).name, "simclr-cifar10");
  EXPECT_EQ(std::get<WorkloadSpec>(spec).config.at("batch_size"), 64);
}

TEST_F(ConfigFileTest, IsRefusedInOneLineWhenItMakesNoSense) {
  EXPECT_THAT(ErrorOf("{"), HasSubstr("it is no such JSON"));
  EXPECT_THAT(ErrorOf(R"({"workload":"x"})"), HasSubstr("it is no such JSON"));
  EXPECT_THAT(ErrorOf(R"({"workload":3,"config":{}})"), HasSubstr("name is no text"));
  EXPECT_THAT(ErrorOf(R"({"config":{"batch_size":0}})"),
              HasSubstr("batch_size: '0' is not allowed"));
  EXPECT_THAT(ErrorOf(R"({"config":{"batchsize":2}})"),
              HasSubstr("unknown workload key 'batchsize'"));
  std::filesystem::remove(options_.config_file);
  const auto spec = WorkloadOf(options_);
  ASSERT_TRUE(std::holds_alternative<SpecError>(spec));
  EXPECT_THAT(std::get<SpecError>(spec).message, HasSubstr("cannot be opened"));
}

}  // namespace
}  // namespace laptime::trainer
