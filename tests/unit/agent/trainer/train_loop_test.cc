#include "agent/trainer/train_loop.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "agent/trainer/failure.h"
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

  Workload workload_;
  Dataset data_;
  const Device device_ = Device::Open("cpu");
  Model model_{1};
  std::FILE* file_ = std::tmpfile();
  EventWriter events_{fileno(file_)};
  StopSignal stop_{[] {}};
};

TEST_F(TrainLoopTest, TellsALapWhosePhasesAddUp) {
  TrainLoop loop(workload_, data_, device_, model_, Checkpoint("", ""), events_, stop_);
  const FitResult fit = loop.Fit();
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
  TrainLoop loop(workload_, data_, device_, model_, Checkpoint("", ""), events_, stop_);
  loop.Fit();
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
  TrainLoop whole(workload_, data_, device_, model_, Checkpoint(file, "work"), events_, stop_);
  EXPECT_EQ(whole.Resume(std::nullopt), 0);
  whole.Fit();  // so short that only the first epoch's checkpoint was due
  const std::vector<json> laps = Laps();
  ASSERT_EQ(laps.size(), 3u);

  Model other(2);  // whatever it starts with
  other.MoveTo(device_.torch(), device_.memory_format());
  TrainLoop resumed(workload_, data_, device_, other, Checkpoint(file, "work"), events_, stop_);
  EXPECT_EQ(resumed.Resume(std::nullopt), 1);
  resumed.WarmUp();
  const FitResult fit = resumed.Fit();
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
  TrainLoop loop(workload_, data_, device_, model_, Checkpoint("", ""), events_, stop_);
  EXPECT_NO_THROW(loop.WarmUp());
}

TEST_F(TrainLoopTest, AQuickLapEstimatesAWholeOne) {
  workload_.quick = true;
  workload_.batch_size = 2;
  data_ = GenerateSyntheticCifar10(60, 10);
  workload_.train_images = 60;
  workload_.steps_per_epoch = 30;
  TrainLoop loop(workload_, data_, device_, model_, Checkpoint("", ""), events_, stop_);
  const FitResult fit = loop.Fit();
  ASSERT_TRUE(fit.estimate.has_value());
  EXPECT_FALSE(fit.max_knn_accuracy.has_value());
  EXPECT_GT(fit.estimate->epoch_seconds, 0);
  EXPECT_LE(fit.estimate->low_seconds, fit.estimate->epoch_seconds);
  const json lap = Events().back().at("epoch_finished");
  EXPECT_EQ(lap.at("steps"), kMinQuickSteps);
  EXPECT_FALSE(lap.contains("knn_accuracy"));
}

TEST_F(TrainLoopTest, WarmsUpWithoutATrace) {
  TrainLoop cold(workload_, data_, device_, model_, Checkpoint("", ""), events_, stop_);
  cold.Fit();
  const double cold_loss = Events().back().at("epoch_finished").at("last_loss");

  Model again(1);
  again.MoveTo(device_.torch(), device_.memory_format());
  TrainLoop warm(workload_, data_, device_, again, Checkpoint("", ""), events_, stop_);
  EXPECT_GT(warm.WarmUp().time_to_first_batch, 0);
  warm.Fit();
  EXPECT_EQ(Events().back().at("epoch_finished").at("last_loss"), cold_loss);
}

TEST_F(TrainLoopTest, FailsAsTheWorkloadsFaultWhenItDiverges) {
  // A parameter that is not a number stands for a training that diverged.
  model_.Parameters()[0].detach().fill_(std::numeric_limits<float>::quiet_NaN());
  TrainLoop loop(workload_, data_, device_, model_, Checkpoint("", ""), events_, stop_);
  try {
    loop.Fit();
    FAIL() << "trained on";
  } catch (const TrainerError& error) {
    EXPECT_EQ(error.cause(), FailureCause::kWorkload);
    EXPECT_THAT(error.what(), HasSubstr("the loss is not a number at step 1 of epoch 1"));
  }
}

}  // namespace
}  // namespace laptime::trainer
