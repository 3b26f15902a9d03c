#include "agent/trainer/parity/answer.h"

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>

#include "agent/trainer/failure.h"
#include "agent/trainer/model_state.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

using ::testing::HasSubstr;

// Right answers are what tests/parity is about; here is what comes of wrong files.
class AnswerTest : public ::testing::Test {
 protected:
  AnswerTest() { EXPECT_EQ(pipe(pipe_.data()), 0); }
  ~AnswerTest() override {
    for (int fd : pipe_) close(fd);
  }

  template <typename Options>
  std::string ErrorOf(const NamedTensors& tensors, const Options& options) {
    WriteTensors(file_, tensors);
    EventWriter lines(pipe_[1]);
    try {
      Answer(options, lines);
    } catch (const TrainerError& error) {
      EXPECT_EQ(error.cause(), FailureCause::kSetup);
      return error.what();
    }
    return "no error";
  }

  static NamedTensors Replay(int batch) {
    Model model(1);
    NamedTensors tensors = {{"view0", at::randn({1, batch, 3, 32, 32})},
                            {"view1", at::randn({1, batch, 3, 32, 32})},
                            {"learning_rate", at::full({1}, 0.1, at::kDouble)}};
    for (const auto& [name, tensor] : StateOf(model)) tensors["state/" + name] = tensor;
    return tensors;
  }

  static NamedTensors Vote(int bank) {
    return {{"bank", at::randn({bank, 512})},
            {"bank_labels", at::zeros({bank}, at::kLong)},
            {"features", at::randn({3, 512})}};
  }

  const testing::TempDir dir_;
  const std::string file_ = dir_.File("file");
  const ReplayOptions replay_{file_, "", kChannelsLast};
  const VoteOptions vote_{file_};
  std::array<int, 2> pipe_{};
};

TEST_F(AnswerTest, ReplaysAStep) {
  EXPECT_EQ(ErrorOf(Replay(2), replay_), "no error");
  std::string line(200, ' ');
  line.resize(static_cast<size_t>(read(pipe_[0], line.data(), line.size())));
  const nlohmann::json step = nlohmann::json::parse(line);
  EXPECT_EQ(step.at("step"), 1);
  EXPECT_GT(step.at("loss"), 0);
}

TEST_F(AnswerTest, RefusesViewsThatDoNotFit) {
  EXPECT_THAT(ErrorOf(Replay(1), replay_), HasSubstr("two images a step"));
  NamedTensors tensors = Replay(2);
  tensors["view1"] = at::randn({1, 3, 3, 32, 32});
  EXPECT_THAT(ErrorOf(tensors, replay_), HasSubstr("view1 must be float32 [1,2,3,32,32]"));
  tensors["view0"] = tensors["view0"].to(at::kDouble);
  EXPECT_THAT(ErrorOf(tensors, replay_), HasSubstr("view0 must be float32"));
}

TEST_F(AnswerTest, RefusesABankThatCannotVote) {
  EXPECT_EQ(ErrorOf(Vote(200), vote_), "no error");
  EXPECT_THAT(ErrorOf(Vote(199), vote_), HasSubstr("at least 200 rows"));
  NamedTensors tensors = Vote(200);
  tensors["bank_labels"][7] = 10;
  EXPECT_THAT(ErrorOf(tensors, vote_), HasSubstr("bank_labels must be 0 … 9"));
}

TEST_F(AnswerTest, RefusesFeaturesOfAStateInDouble) {
  NamedTensors tensors = {{"images", at::zeros({1, 32, 32, 3}, at::kByte)}};
  for (const auto& [name, tensor] : Replay(2)) {
    if (name.starts_with("state/")) tensors[name] = tensor.to(at::kDouble);
  }
  EXPECT_THAT(ErrorOf(tensors, FeaturesOptions{file_, file_, kChannelsLast}),
              HasSubstr("state must be float32"));
}

}  // namespace
}  // namespace laptime::trainer
