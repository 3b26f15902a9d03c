#include "agent/trainer/train_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/trainer/batch_feed.h"
#include "agent/trainer/failure.h"
#include "agent/trainer/labelled_feed.h"
#include "agent/trainer/synthetic.h"
#include "tests/testing/temp_dir.h"

namespace laptime::trainer {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// The real loop on the smallest workload there is: one step of four images.
class TrainLoopTest : public ::testing::Test {
 protected:
  TrainLoopTest() {
    const std::map<std::string, std::string> settings = {
        {"batch_size", "4"}, {"train_images", "5"}, {"eval_images", "3"},
        {"knn_k", "2"},      {"epochs", "1"},       {"loader_workers", "1"}};
    workload_ = TypedWorkload(
        std::get<WorkloadSpec>(ResolveWorkload("simclr-synthetic-cifar10", settings)));
    data_ = GenerateSyntheticCifar10(workload_.train_images, workload_.eval_images);
    model_.MoveTo(device_.torch(), device_.memory_format());
  }
  ~TrainLoopTest() override { std::fclose(file_); }

  std::vector<json> Events() {
    std::rewind(file_);
    std::vector<json> events;
    char line[4096];
    while (std::fgets(line, sizeof(line), file_) != nullptr) events.push_back(json::parse(line));
    return events;
  }

  // The bodies of the epoch_finished events.
  std::vector<json> Laps() {
    std::vector<json> laps;
    for (const json& event : Events()) {
      if (event.contains("epoch_finished")) laps.push_back(event.at("epoch_finished"));
    }
    return laps;
  }

  // A loop with what feeds and judges it.
  struct Training {
    Training(TrainLoopTest& test, Model& model, Checkpoint checkpoint)
        : feed(test.data_.train, test.workload_, test.device_),
          evaluation(test.data_, test.workload_, test.device_),
          loop(test.workload_, feed, &evaluation, nullptr, test.device_, model,
               std::move(checkpoint), test.events_, test.stop_) {}

    BatchFeed feed;
    Evaluation evaluation;
    TrainLoop loop;
  };

  Workload workload_;
  Dataset data_;
  const Device device_ = Device::Open("cpu");
  Model model_{1};
  std::FILE* file_ = std::tmpfile();
  EventWriter events_{fileno(file_)};
  StopSignal stop_{[] {}};
};

TEST_F(TrainLoopTest, TellsALapWhosePhasesAddUp) {
  Training training(*this, model_, Checkpoint("", ""));
  const FitResult fit = training.loop.Fit();
  EXPECT_EQ(fit.epochs, 1);
  const json last = Events().back();
  ASSERT_TRUE(last.contains("epoch_finished"));
  const json& lap = last.at("epoch_finished");
  EXPECT_EQ(lap.at("number"), 1);
  EXPECT_EQ(lap.at("steps"), 1);
  EXPECT_EQ(lap.at("evaluated_images"), 8);
  EXPECT_GT(lap.at("first_loss").get<double>(), 0);
  double sum = 0;
  for (const auto& [name, seconds] : lap.at("phases").items())
    sum += name == "augment" ? 0 : seconds.get<double>();
  EXPECT_NEAR(sum, lap.at("wall_seconds").get<double>(), 1e-9);
}

TEST_F(TrainLoopTest, TheRateFallsFromEpochToEpoch) {
  workload_.epochs = 2;
  Training training(*this, model_, Checkpoint("", ""));
  training.loop.Fit();
  std::vector<double> rates;
  for (const json& lap : Laps()) rates.push_back(lap.at("learning_rate"));
  const double full = 0.06 * 4 / 128;
  EXPECT_THAT(rates, ::testing::ElementsAre(::testing::DoubleNear(full, 1e-12),
                                            ::testing::DoubleNear(full / 2, 1e-12)));
}

TEST_F(TrainLoopTest, GoesOnFromACheckpointAsIfUnbroken) {
  workload_.epochs = 3;
  const testing::TempDir dir;
  const std::string file = dir.File("checkpoint");
  Training whole(*this, model_, Checkpoint(file, "work"));
  EXPECT_EQ(whole.loop.Resume(std::nullopt), 0);
  whole.loop.Fit();  // so short that only the first epoch's checkpoint was due
  const std::vector<json> laps = Laps();
  ASSERT_EQ(laps.size(), 3u);

  Model other(2);  // whatever it starts with
  other.MoveTo(device_.torch(), device_.memory_format());
  Training resumed(*this, other, Checkpoint(file, "work"));
  EXPECT_EQ(resumed.loop.Resume(std::nullopt), 1);
  resumed.loop.WarmUp();
  const FitResult fit = resumed.loop.Fit();
  EXPECT_EQ(fit.epochs, 2);
  const std::vector<json> all = Laps();
  ASSERT_EQ(all.size(), 5u);
  for (size_t lap : {1, 2}) {
    const json& expected = laps[lap];
    const json& actual = all[lap + 2];
    for (const char* fact : {"number", "mean_loss", "knn_accuracy", "learning_rate"})
      EXPECT_EQ(actual.at(fact), expected.at(fact)) << fact << " of lap " << lap + 1;
  }
}

TEST_F(TrainLoopTest, WarmsUpWithMoreTestImagesThanTrainingImages) {
  data_ = GenerateSyntheticCifar10(5, 7);
  Training training(*this, model_, Checkpoint("", ""));
  EXPECT_NO_THROW(training.loop.WarmUp());
}

TEST_F(TrainLoopTest, AClassifierHasLapsWithoutEvaluation) {
  workload_ = TypedWorkload(std::get<WorkloadSpec>(ResolveWorkload(
      "resnet18-imagenet-shape", {{"batch_size", "2"}, {"train_images", "4"}, {"epochs", "1"}})));
  Model model(workload_.model, 1);
  model.MoveTo(device_.torch(), device_.memory_format());
  LabelledFeed feed(workload_, model.image_side(), device_);
  TrainLoop loop(workload_, feed, nullptr, nullptr, device_, model, Checkpoint("", ""), events_,
                 stop_);
  loop.WarmUp();
  EXPECT_FALSE(loop.Fit().max_knn_accuracy.has_value());
  const json lap = Laps().at(0);
  EXPECT_EQ(lap.at("steps"), 2);
  EXPECT_NEAR(lap.at("first_loss").get<double>(), std::log(1000), 1.5);
  EXPECT_FALSE(lap.contains("knn_accuracy"));
  EXPECT_EQ(lap.at("phases").at("bank"), 0);
  EXPECT_GT(lap.at("flops_per_second").get<double>(), 0);
}

TEST_F(TrainLoopTest, AQuickLapEstimatesAWholeOne) {
  workload_.quick = true;
  workload_.batch_size = 2;
  data_ = GenerateSyntheticCifar10(60, 10);
  workload_.train_images = 60;
  workload_.steps_per_epoch = 30;
  Training training(*this, model_, Checkpoint("", ""));
  const FitResult fit = training.loop.Fit();
  ASSERT_TRUE(fit.estimate.has_value());
  EXPECT_FALSE(fit.max_knn_accuracy.has_value());
  EXPECT_GT(fit.estimate->epoch_seconds, 0);
  EXPECT_LE(fit.estimate->low_seconds, fit.estimate->epoch_seconds);
  const json lap = Events().back().at("epoch_finished");
  EXPECT_EQ(lap.at("steps"), kMinQuickSteps);
  EXPECT_FALSE(lap.contains("knn_accuracy"));
}

TEST_F(TrainLoopTest, WarmsUpWithoutATrace) {
  Training cold(*this, model_, Checkpoint("", ""));
  cold.loop.Fit();
  const double cold_loss = Events().back().at("epoch_finished").at("last_loss");

  Model again(1);
  again.MoveTo(device_.torch(), device_.memory_format());
  Training warm(*this, again, Checkpoint("", ""));
  EXPECT_GT(warm.loop.WarmUp().time_to_first_batch, 0);
  warm.loop.Fit();
  EXPECT_EQ(Events().back().at("epoch_finished").at("last_loss"), cold_loss);
}

TEST_F(TrainLoopTest, FailsAsTheWorkloadsFaultWhenItDiverges) {
  // A parameter that is not a number stands for a training that diverged.
  model_.Parameters()[0].detach().fill_(std::numeric_limits<float>::quiet_NaN());
  Training training(*this, model_, Checkpoint("", ""));
  try {
    training.loop.Fit();
    FAIL() << "trained on";
  } catch (const TrainerError& error) {
    EXPECT_EQ(error.cause(), FailureCause::kWorkload);
    EXPECT_THAT(error.what(), HasSubstr("the loss is not a number at step 1 of epoch 1"));
  }
}

}  // namespace
}  // namespace laptime::trainer
